/** The workers of a driven run, their supervisor, and the loop that lets them take turns while virtual time passes. */
import { FirstFiveError } from '../core/errors.ts';
import type { OutputRecord } from '../core/record.ts';
import { type LatestTable, memoryTable } from '../runtime/latest-table.ts';
import type { PartitionOffset } from '../runtime/log.ts';
import type { StageRunner } from '../runtime/stage-runner.ts';
import type { StageSpec, Topology } from '../runtime/topology.ts';
import { DrivenWorker } from './driven-worker.ts';
import type { DriverOptions } from './driver-options.ts';
import { FakeClock } from './fake-clock.ts';
import { FaultPlan } from './fault-plan.ts';
import { NO_FAULTS } from './fault-rates.ts';
import { HandlerLog } from './handler-log.ts';
import { Interleaver, quiet } from './interleaver.ts';
import { MemoryLog } from './memory-log.ts';
import { WorkerLife } from './worker-life.ts';

const SESSION_TIMEOUT_MS = 10_000;
/** Some turns come late: time passes although somebody could go on. */
const LATE_TURNS = 0.1;
const LOST_DISKS = 0.25;
const MAX_STEPS_AT_ONE_TIME = 1_000_000;

export class WorkerFleet {
  readonly clock = new FakeClock();
  readonly log: MemoryLog;
  readonly answers = new HandlerLog();
  readonly journal: string[] = [];
  /** Of workers that ended by what no fault explains. */
  readonly failures: string[] = [];
  readonly slots: readonly string[];
  readonly #options: DriverOptions;
  readonly #random: () => number;
  readonly #interleaver: Interleaver;
  readonly #faults: FaultPlan;
  readonly #sessionTimeoutMs: number;
  readonly #workers = new Map<string, DrivenWorker>();
  readonly #tables = new Map<string, LatestTable>();
  readonly #startedAt: number;
  #isOpen = false;

  constructor(options: DriverOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
    this.#interleaver = new Interleaver(random);
    this.#sessionTimeoutMs = options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS;
    this.#startedAt = this.clock.now();
    this.slots = Array.from({ length: options.workers ?? 1 }, (_, slot) => String(slot));
    this.log = new MemoryLog(this.clock);
    this.#faults = new FaultPlan(
      { ...NO_FAULTS, ...options.faults },
      {
        clock: this.clock,
        random,
        sessionTimeoutMs: this.#sessionTimeoutMs,
        onFault: (what) => this.#note(what),
      },
    );
    createTopics(this.log, options.topology);
  }

  append(records: readonly OutputRecord[]): readonly PartitionOffset[] {
    return this.log.write(records);
  }

  calm(): void {
    this.#faults.rates = NO_FAULTS;
  }

  lag(groupId: string, input: string): number {
    return this.log.lag(groupId, input);
  }

  runners(): readonly StageRunner[] {
    return [...this.#workers.values()].filter(({ life }) => !life.isDead).flatMap(({ runners }) => runners);
  }

  /** Turns and timers until `isDone` or `until`; false when it was not done by then. */
  async run(isDone: () => boolean, until: number): Promise<boolean> {
    if (!this.#isOpen) for (const slot of this.slots) this.start(slot);
    this.#isOpen = true;
    let [time, steps] = [this.clock.now(), 0];
    for (;;) {
      await quiet();
      if (isDone()) return true;
      if (this.clock.now() > time) [time, steps] = [this.clock.now(), 0];
      if (++steps > MAX_STEPS_AT_ONE_TIME)
        throw new FirstFiveError('INTERNAL', `time stands still: ${steps} steps without it`);
      const isLate = this.#random() < LATE_TURNS && this.clock.nextAt !== undefined;
      if (!isLate && this.#interleaver.step()) continue;
      if (this.clock.fireNext(until) || this.#interleaver.step()) continue;
      return isDone();
    }
  }

  start(slot: string): void {
    this.#workers.get(slot)?.life.kill();
    const worker = this.#worker(slot);
    this.#workers.set(slot, worker);
    worker.start();
  }

  async stop(slot: string, drainMs: number): Promise<void> {
    const worker = this.#workers.get(slot);
    if (worker === undefined || worker.life.isDead) return;
    let isStopped = false;
    void worker.stop(drainMs).then(() => {
      isStopped = true;
    });
    await this.run(() => isStopped || worker.life.isDead, this.clock.now() + drainMs + 60_000);
    this.#note(`worker ${slot} stopped`);
  }

  crash(slot: string): void {
    this.#workers.get(slot)?.crash('once');
  }

  freeze(slot: string, ms: number): void {
    this.#workers.get(slot)?.freeze(ms, 'once');
  }

  #worker(slot: string): DrivenWorker {
    const { topology, handlerOf, maxWorkMs, connect } = this.#options;
    const life = new WorkerLife(this.clock, this.#interleaver);
    const connection = this.log.connect(life.clock);
    connection.random = this.#random;
    const worker: DrivenWorker = new DrivenWorker({
      slot,
      stages: topology.stages,
      life,
      log: connect?.(connection, slot) ?? connection,
      handlerOf: (stage) => handlerOf(stage, life.clock),
      tableOf: (stage) => this.#tableOf(slot, stage),
      random: this.#random,
      faults: this.#faults,
      answers: this.answers,
      maxWorkMs: maxWorkMs ?? 0,
      onCrash: (at) => {
        this.#note(`worker ${slot} crashed at ${at}`);
        this.#restart(worker);
      },
      onFreeze: (ms, at) => {
        this.#note(`worker ${slot} froze at ${at} for ${Math.round(ms)} ms`);
        this.clock.after(this.#sessionTimeoutMs, () => {
          if (!life.isReady) this.#expire(worker);
        });
      },
      onEnded: (failure) => {
        this.#note(`worker ${slot} ended by ${failure.code}: ${failure.message}`);
        if (failure.code !== 'LOG_FENCED') {
          this.failures.push(`worker ${slot} ended by ${failure.code}: ${failure.message}`);
        }
        this.#restart(worker);
      },
    });
    connection.fault = (step) => worker.step(step);
    return worker;
  }

  /** T3: sometimes before the group has missed it, sometimes after. */
  #restart(dead: DrivenWorker): void {
    const isLatest = () => this.#workers.get(dead.slot) === dead;
    this.clock.after(this.#sessionTimeoutMs, () => {
      if (isLatest()) this.#expire(dead);
    });
    this.clock.after(this.#random() * 2 * this.#sessionTimeoutMs, () => {
      if (!isLatest()) return;
      this.#note(`worker ${dead.slot} starts again`);
      this.start(dead.slot);
    });
  }

  #expire(worker: DrivenWorker): void {
    this.#note(`worker ${worker.slot} missed its session time-out`);
    for (const { groupId } of this.#options.topology.stages) this.log.expire(groupId, worker.slot);
  }

  #tableOf(slot: string, stage: StageSpec): LatestTable {
    const name = `${stage.name} ${slot}`;
    const kept = this.#random() < LOST_DISKS ? undefined : this.#tables.get(name);
    const table = kept ?? memoryTable();
    this.#tables.set(name, table);
    return table;
  }

  #note(what: string): void {
    this.journal.push(`+${((this.clock.now() - this.#startedAt) / 1000).toFixed(3)} s  ${what}`);
  }
}

function createTopics(log: MemoryLog, topology: Topology): void {
  for (const spec of topology.topics) log.ensureTopic(spec);
}
