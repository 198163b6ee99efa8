/** Worker processes under a supervisor that starts again what failed, as systemd or Kubernetes would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { KafkaLogOptions } from '../../../src/adapters/log-kafka/options.ts';

export interface WorkerSettings {
  readonly brokers: readonly string[];
  readonly clientDir: string;
  readonly groupId: string;
  readonly slot: string;
  readonly input: string;
  readonly output: string;
  readonly deadLetters: string;
  readonly seed: number;
  readonly log: Partial<KafkaLogOptions>;
}

export interface WorkerEnd {
  readonly slot: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly said: string;
}

interface Worker {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('./worker.ts', import.meta.url));
const RESTART_MS = 200;
/** A drain of ten seconds, a commit under way and a last one (35 s each at most), and the clients' ways out; longer is a hang. */
const STOP_MS = 120_000;

export class Fleet {
  readonly #common: Omit<WorkerSettings, 'slot' | 'seed'>;
  readonly #workers = new Map<string, Worker>();
  readonly #wanted = new Set<string>();
  readonly ends: WorkerEnd[] = [];
  /** Those that are there from the beginning to the end. */
  readonly slots: readonly string[];
  #seed: number;

  constructor(common: Omit<WorkerSettings, 'slot' | 'seed'>, seed: number, slots: readonly string[]) {
    this.#common = common;
    this.#seed = seed;
    this.slots = slots;
  }

  /** Resolves once it has joined. */
  async start(slot: string): Promise<void> {
    this.#wanted.add(slot);
    await this.#launch(slot).ready;
  }

  /** Its process goes on; when it ends, no other one is started. */
  forsake(slot: string): void {
    this.#wanted.delete(slot);
  }

  signal(slot: string, name: NodeJS.Signals): void {
    const pid = this.#workers.get(slot)?.child.pid;
    if (pid !== undefined) process.kill(pid, name);
  }

  /** Waits until the slot's process is another one than now, or is gone for good. */
  async ended(slot: string): Promise<void> {
    await this.#workers.get(slot)?.ended;
  }

  /** SIGTERM; rejects when it does not end. */
  async stop(slot: string): Promise<void> {
    this.#wanted.delete(slot);
    const worker = this.#workers.get(slot);
    if (worker === undefined) return;
    worker.child.kill('SIGTERM');
    const timer = setTimeout(() => worker.child.kill('SIGKILL'), STOP_MS);
    await worker.ended;
    clearTimeout(timer);
    const last = this.ends.findLast((end) => end.slot === slot);
    if (last?.signal === 'SIGKILL')
      throw new Error(`${slot} hung: ${STOP_MS} ms after SIGTERM it still ran; it said ${last.said}`);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#workers.keys()].map((slot) => this.stop(slot)));
  }

  /** For the end of a test, whatever happened. */
  killAll(): void {
    this.#wanted.clear();
    for (const { child } of this.#workers.values()) child.kill('SIGKILL');
  }

  #launch(slot: string): Worker {
    const settings: WorkerSettings = { ...this.#common, slot, seed: this.#seed++ };
    const args = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'];
    const child = spawn(process.execPath, [...args, PROGRAM, JSON.stringify(settings)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
    });
    let said = '';
    const ready = Promise.withResolvers<void>();
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('ready')) ready.resolve();
    });
    const ended = once(child, 'close').then(([code, signal]: unknown[]) => {
      ready.resolve();
      this.ends.push({ slot, code: code as number | null, signal: signal as NodeJS.Signals | null, said });
      this.#workers.delete(slot);
      if (this.#wanted.has(slot)) setTimeout(() => this.#wanted.has(slot) && this.#launch(slot), RESTART_MS);
    });
    const worker = { child, ready: ready.promise, ended };
    this.#workers.set(slot, worker);
    return worker;
  }
}
