/**
 * A fixed number of inference workers with one queue in front.
 *
 * N1. A job goes to one worker once. When that worker dies the job fails, and is not tried elsewhere: it may be the
 *     cause, and only the caller knows its budget.
 * N2. A dead worker is replaced, at once the first time and with growing pauses while replacements fail to start. When
 *     none is left and `MAX_FAILED_STARTS` in a row failed, every job fails as a systemic error.
 * N3. A process that ends without `close`, by `process.exit` or an uncaught exception, first waits for native calls to
 *     return (native-gate.ts), so that its exit code is the one that was meant.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { NamedTensors } from '../../stages/embed/inference.ts';
import type { RunRequest, WorkerSetup } from './protocol.ts';
import { type Job, type SpawnWorker, WorkerSlot } from './worker-slot.ts';

export interface PoolOptions {
  readonly setup: WorkerSetup;
  readonly workers: number;
  readonly spawn: SpawnWorker;
  readonly runTimeoutMs: number;
}

const MAX_FAILED_STARTS = 5;
const RESTART_PAUSE_MS = 100;
const EXIT_HOLD_MS = 10_000;

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #slots = new Set<WorkerSlot>();
  /** Threads that have not exited, those given up included. */
  readonly #threads = new Set<WorkerSlot>();
  readonly #started = new Set<WorkerSlot>();
  readonly #queue: Job[] = [];
  readonly #restarts = new Set<NodeJS.Timeout>();
  #starting: { settle(error?: FirstFiveError): void } | undefined;
  #failedStarts = 0;
  #closed: FirstFiveError | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Resolves when every worker is ready; the first refusal ends them all and is thrown. */
  async start(): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => {
      this.#starting = { settle: (error) => (error === undefined ? resolve() : reject(error)) };
    });
    process.on('exit', this.#holdOff);
    for (let i = 0; i < this.#options.workers; i++) this.#launch();
    try {
      await ready;
    } catch (thrown) {
      await this.close();
      throw thrown;
    } finally {
      this.#starting = undefined;
    }
  }

  /** The inputs' buffers are transferred. Rejects with the signal's reason when aborted, queued or running. */
  run(request: RunRequest, signal?: AbortSignal): Promise<NamedTensors> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const abort = () => {
        const at = this.#queue.indexOf(job);
        if (at >= 0) this.#queue.splice(at, 1);
        reject(signal?.reason);
      };
      const job: Job = {
        request,
        settle: (result) => {
          signal?.removeEventListener('abort', abort);
          if (result instanceof FirstFiveError) reject(result);
          else resolve(result);
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#queue.push(job);
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closed ??= new FirstFiveError('INFERENCE_FAILED', 'inference is closed', { kind: 'systemic' });
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#restarts.clear();
    const closed = this.#closed;
    this.#failQueue(closed);
    await Promise.all([...this.#slots].map((slot) => slot.end(closed)));
    if (this.#threads.size === 0) process.off('exit', this.#holdOff);
  }

  /** The process ends without `close` (N3). */
  readonly #holdOff = () => {
    for (const slot of this.#threads) slot.holdOff(EXIT_HOLD_MS);
  };

  #launch(): void {
    const { setup, spawn, runTimeoutMs } = this.#options;
    const slot = new WorkerSlot({
      setup,
      spawn,
      runTimeoutMs,
      onIdle: (idle) => this.#onIdle(idle),
      onEnded: (ended, reason) => this.#onEnded(ended, reason),
      onExit: (gone) => this.#threads.delete(gone),
    });
    this.#slots.add(slot);
    this.#threads.add(slot);
  }

  #onIdle(slot: WorkerSlot): void {
    if (!this.#started.has(slot)) {
      this.#started.add(slot);
      this.#failedStarts = 0;
      if (this.#started.size === this.#options.workers) this.#starting?.settle();
    }
    this.#dispatch();
  }

  #onEnded(slot: WorkerSlot, reason: FirstFiveError): void {
    this.#slots.delete(slot);
    const wasStarted = this.#started.delete(slot);
    if (this.#closed !== undefined) return;
    if (this.#starting !== undefined) {
      this.#starting.settle(reason);
      return;
    }
    if (!wasStarted) this.#failedStarts++;
    if (this.#failedStarts >= MAX_FAILED_STARTS) this.#giveUp(reason);
    else this.#relaunchLater();
  }

  #relaunchLater(): void {
    const pauseMs = this.#failedStarts === 0 ? 0 : RESTART_PAUSE_MS * 2 ** this.#failedStarts;
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#launch();
    }, pauseMs);
    this.#restarts.add(timer);
  }

  #giveUp(reason: FirstFiveError): void {
    if (this.#slots.size > 0) return;
    const message = `no inference worker starts any more: ${reason.message}`;
    this.#closed = new FirstFiveError('INFERENCE_FAILED', message, { kind: 'systemic', cause: reason });
    this.#failQueue(this.#closed);
  }

  #dispatch(): void {
    for (const slot of this.#slots) {
      if (this.#queue.length === 0) return;
      if (!slot.idle) continue;
      const job = this.#queue.shift();
      if (job !== undefined) slot.take(job);
    }
  }

  #failQueue(error: FirstFiveError): void {
    for (const job of this.#queue.splice(0)) job.settle(error);
  }
}
