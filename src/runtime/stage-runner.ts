/**
 * Runs one stage on one lane: polls, works, commits. Knows the ports only; the same code runs on any log.
 *
 * R1. What is held is bounded in records and bytes, from intake to commit; beyond that nothing is polled.
 * R2. Offsets move over the contiguous finished prefix only, with the outputs of that prefix (`Committer`).
 * R3. Systemic failures of the log close the gate; `LOG_FENCED` and configuration errors end the runner.
 * R4. Stopping drains: no intake, work under way goes on until the drain deadline, then a last commit, then leave.
 */
import { context } from '@opentelemetry/api';
import { type FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import { Fifo } from '../core/fifo.ts';
import { partitionKey, type StreamRecord, type TopicPartition } from '../core/record.ts';
import type { Lane } from '../core/upload.ts';
import { type Clock, Pulse, sleep } from './clock.ts';
import { Committer, type Settled } from './committer.ts';
import type { RecordHandler } from './handler.ts';
import { IntakeGate } from './intake-gate.ts';
import { catchUp, type LatestTable } from './latest-table.ts';
import type { Assignment, GroupMember, Log } from './log.ts';
import { PartitionIntake } from './partition-intake.ts';
import { RecordTask, type TaskEnvironment, type TaskResult } from './record-task.ts';
import type { RecordOutcome, StageTelemetry } from './telemetry.ts';
import type { StageSpec } from './topology.ts';

export interface StageRunnerOptions {
  readonly spec: StageSpec;
  readonly lane: Lane;
  readonly slot: string;
  readonly log: Log;
  readonly handler: RecordHandler;
  /** Present for the stage that writes the guarded topic. */
  readonly guard?: { readonly topic: string; readonly table: LatestTable };
  readonly clock: Clock;
  readonly random: () => number;
  readonly telemetry: StageTelemetry;
  /** Called for each record of a commit, after it. */
  readonly onSettled?: (settled: SettledRecord) => void;
}

export interface SettledRecord {
  readonly record: StreamRecord;
  readonly outcome: RecordOutcome;
  readonly error: FirstFiveError | undefined;
}

export type RunnerState = 'starting' | 'running' | 'draining' | 'stopped' | 'failed';

const POLL_WAIT_MS = 500;
const MAX_POLL_RECORDS = 500;

export class StageRunner {
  readonly options: StageRunnerOptions;
  /** Closed while the work's surroundings fail (store, decoder, execution provider), or the log does. */
  readonly gates: { readonly work: IntakeGate; readonly log: IntakeGate };
  readonly committer: Committer;
  readonly intakes = new Map<string, PartitionIntake>();
  /** Why the runner ended, when it did by itself. */
  failure: FirstFiveError | undefined;
  state: RunnerState = 'starting';
  readonly #env: TaskEnvironment;
  readonly #changed = new Pulse();
  readonly #stopping = new AbortController();
  readonly #abandoned = new AbortController();
  readonly #queue = new Fifo<() => void>();
  #working = 0;
  #busySince: number | undefined;
  #polledAt: number | undefined;
  #member: GroupMember | undefined;
  #committing: Promise<void> = Promise.resolve();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: StageRunnerOptions) {
    this.options = options;
    const { spec, lane, handler, clock, random, telemetry } = options;
    this.gates = { work: new IntakeGate(clock, random), log: new IntakeGate(clock, random) };
    this.#env = { spec, lane, handler, gate: this.gates.work, clock, random, telemetry };
    this.#abandoned.signal.addEventListener('abort', () => this.#changed.announce(), { once: true });
    this.committer = new Committer({ table: options.guard?.table, telemetry, clock });
  }

  get inFlight(): number {
    let records = 0;
    for (const intake of this.intakes.values()) records += intake.heldRecords;
    return records;
  }

  get inFlightBytes(): number {
    let bytes = 0;
    for (const intake of this.intakes.values()) bytes += intake.heldBytes;
    return bytes;
  }

  /**
   * Milliseconds without progress while there was work: since the last commit, or since work came after an idle time.
   * An idle stage is not stalled, however old its last commit; one that no longer polls is.
   */
  stalledFor(now: number): number {
    if (this.#busySince === undefined) return now - (this.#polledAt ?? now);
    return now - Math.max(this.#busySince, this.committer.lastCommitAt ?? 0);
  }

  /** Joins the group and starts. Rejects with what made joining impossible (`GROUP_IN_USE`, say). */
  async start(): Promise<void> {
    const { log, spec, slot } = this.options;
    this.#member = await log.join({
      groupId: spec.groupId,
      topics: [spec.input],
      slot,
      listener: { onAssigned: (p) => this.#onAssigned(p), onRevoked: (p) => this.#onRevoked(p) },
    });
    this.state = 'running';
    const loops = [this.#intakeLoop(this.#member), this.#commitLoop(this.#member)];
    this.#loops = Promise.all(loops).catch((thrown: unknown) => this.#fail(toFirstFiveError(thrown)));
  }

  /** Resolves when the runner has ended, by `stop` or by failure. */
  async ended(): Promise<void> {
    await this.#loops;
  }

  /** R4. Resolves once everything is committed or abandoned. */
  async stop(drainMs: number): Promise<void> {
    if (this.state === 'running' || this.state === 'starting') this.state = 'draining';
    this.#stopping.abort();
    this.#changed.announce();
    const deadline = sleep(this.options.clock, drainMs, this.#abandoned.signal).then(() =>
      this.#abandoned.abort(),
    );
    await this.#loops;
    this.#abandoned.abort();
    await deadline;
    await this.#member?.leave();
    if (this.state === 'draining') this.state = 'stopped';
  }

  async #fail(error: FirstFiveError): Promise<void> {
    this.failure = error;
    this.state = 'failed';
    this.#stopping.abort();
    this.#abandoned.abort();
    this.#changed.announce();
  }

  async #onAssigned(partitions: readonly Assignment[]): Promise<void> {
    const { guard, log } = this.options;
    for (const assignment of partitions) {
      this.intakes.set(partitionKey(assignment), new PartitionIntake(assignment, this.#abandoned.signal));
    }
    if (guard !== undefined) {
      await catchUp(
        log,
        guard.table,
        guard.topic,
        partitions.map((at) => at.partition),
      );
    }
  }

  /** Commits what is finished while the partitions are still ours, then forgets the rest: the next owner reads it again. */
  async #onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    const mine = partitions.flatMap((at) => this.intakes.get(partitionKey(at)) ?? []);
    if (this.#member !== undefined) await this.#commitFinished(this.#member, mine).catch(() => {});
    for (const intake of mine) {
      intake.revoke();
      this.intakes.delete(partitionKey(intake));
    }
    this.#changed.announce();
  }

  async #intakeLoop(member: GroupMember): Promise<void> {
    const stopping = this.#stopping.signal;
    const { intake } = this.options.spec;
    while (!stopping.aborted) {
      await this.gates.work.passable(stopping);
      await this.gates.log.passable(stopping);
      const room = Math.min(intake.maxInFlight - this.inFlight, MAX_POLL_RECORDS);
      const roomBytes = intake.maxInFlightBytes - this.inFlightBytes;
      if (room <= 0 || roomBytes <= 0) {
        await this.#changed.next();
        continue;
      }
      const records = await this.#guarded(() =>
        member.poll({ maxRecords: room, maxBytes: roomBytes, maxWaitMs: POLL_WAIT_MS, signal: stopping }),
      );
      if (stopping.aborted) return;
      this.#polledAt = this.options.clock.now();
      if (records !== undefined && records.length > 0) this.#takeAll(records);
    }
  }

  /** Systemic failures of the log close the gate and count as "nothing came"; others end the runner (R3). */
  async #guarded<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await call();
      this.gates.log.succeed();
      return result;
    } catch (thrown) {
      const error = toFirstFiveError(thrown);
      if (error.kind !== 'systemic' || error.code === 'LOG_FENCED') throw error;
      this.gates.log.fail(error);
      return undefined;
    }
  }

  #takeAll(records: readonly StreamRecord[]): void {
    this.options.telemetry.consumed(this.options.spec.input, records.length);
    this.#busySince ??= this.options.clock.now();
    for (const record of records) {
      const intake = this.intakes.get(partitionKey(record));
      if (intake !== undefined) this.#take(record, intake);
    }
    this.#pump();
  }

  #take(record: StreamRecord, intake: PartitionIntake): void {
    const task = new RecordTask(record, this.#env);
    const finish = intake.take(record, task);
    const { span, parent } = this.options.telemetry.startRecord(record);
    const done = (result: TaskResult | undefined) => {
      this.#working -= 1;
      // Abandoned: another owner, or the next start, reads the record again.
      if (result === undefined) span.end();
      else finish(result, span);
      this.#changed.announce();
      this.#pump();
    };
    this.#queue.push(() => {
      context
        .with(parent, () => task.run(intake.signal))
        .then(done, (thrown) => this.#fail(toFirstFiveError(thrown)));
    });
  }

  #pump(): void {
    while (this.#working < this.options.spec.intake.concurrency) {
      const start = this.#queue.shift();
      if (start === undefined) return;
      this.#working += 1;
      start();
    }
  }

  async #commitLoop(member: GroupMember): Promise<void> {
    const { clock, spec } = this.options;
    for (;;) {
      const ready = this.#finishedRecords();
      const draining = this.#stopping.signal.aborted;
      if (draining && (this.inFlight === 0 || this.#abandoned.signal.aborted)) break;
      if (ready === 0) {
        await this.#changed.next();
        continue;
      }
      if (ready < spec.commit.maxRecords && !(draining && ready === this.inFlight)) {
        await this.#commitDue(clock);
      }
      await this.#guarded(() => this.#commitFinished(member, this.intakes.values()));
      await this.gates.log.passable(this.#abandoned.signal);
    }
    await this.#guarded(() => this.#commitFinished(member, this.intakes.values()));
  }

  /** Waits for the commit interval, less when enough records finish or the drain has only these left. */
  async #commitDue(clock: Clock): Promise<void> {
    const { commit } = this.options.spec;
    const early = new AbortController();
    const interval = sleep(clock, commit.intervalMs, early.signal).then(() => true);
    let due = false;
    while (!due) {
      due = await Promise.race([interval, this.#changed.next().then(() => false)]);
      const ready = this.#finishedRecords();
      if (ready >= commit.maxRecords || (this.#stopping.signal.aborted && ready === this.inFlight))
        due = true;
    }
    early.abort();
  }

  #finishedRecords(): number {
    let count = 0;
    for (const intake of this.intakes.values()) count += intake.frontier.finishedCount;
    return count;
  }

  /** Commits are serialised: a revocation may ask for one while the loop is in another. */
  #commitFinished(member: GroupMember, intakes: Iterable<PartitionIntake>): Promise<void> {
    const next = this.#committing.then(async () => {
      const settled = await this.committer.commit(member, intakes, this.options.spec.commit.maxRecords);
      for (const one of settled) this.#settle(one);
      if (this.inFlight === 0) this.#busySince = undefined;
      if (settled.length > 0) this.#changed.announce();
    });
    this.#committing = next.catch(() => {});
    return next;
  }

  #settle({ finished, outcome }: Settled): void {
    const { task, result, span } = finished;
    const seconds = (this.options.clock.now() - task.startedAt) / 1000;
    this.options.telemetry.recordDone(span, task.record.topic, outcome, seconds, result.error);
    this.options.onSettled?.({ record: task.record, outcome, error: result.error });
  }
}
