/**
 * Runs one stage on one lane: polls, works, commits. Knows the ports only; the same code runs on any log.
 *
 * R1. What is held is bounded in records and bytes, from intake to commit; beyond that nothing is polled (`IntakeLoop`).
 * R2. Offsets move over the contiguous finished prefix only, with the outputs of that prefix (`Committer`).
 * R3. Systemic failures of the log close the gate; those that need a restart and configuration errors end the runner.
 * R4. Stopping drains: no intake, work under way goes on until the drain deadline, then a last commit, then leave.
 */
import { type FirstFiveError, needsRestart, toFirstFiveError } from '../core/errors.ts';
import { partitionKey, type StreamRecord, type TopicPartition } from '../core/record.ts';
import type { Lane } from '../core/upload.ts';
import { type Clock, Pulse, sleep } from './clock.ts';
import { Committer, type Settled } from './committer.ts';
import { Deadlines } from './deadlines.ts';
import type { RecordHandler } from './handler.ts';
import { InFlight } from './in-flight.ts';
import { IntakeGate } from './intake-gate.ts';
import { IntakeLoop } from './intake-loop.ts';
import { catchUp, type LatestTable } from './latest-table.ts';
import type { Assignment, GroupMember, Log } from './log.ts';
import type { PartitionIntake } from './partition-intake.ts';
import { RetryIntake } from './retry-intake.ts';
import { inputTopics, requireCoOwned } from './side-inputs.ts';
import { StageProgress } from './stage-progress.ts';
import type { RecordOutcome, StageTelemetry } from './telemetry.ts';
import { type StageSpec, writtenTopics } from './topology.ts';

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
  /** Largest record by topic, where there is a limit. */
  readonly maxRecordBytes?: ReadonlyMap<string, number>;
  /** Called for each record of a commit, after it. */
  readonly onSettled?: (settled: SettledRecord) => void;
}

export interface SettledRecord {
  readonly record: StreamRecord;
  readonly outcome: RecordOutcome;
  readonly error: FirstFiveError | undefined;
}

export type RunnerState = 'starting' | 'running' | 'draining' | 'stopped' | 'failed';

export class StageRunner {
  readonly options: StageRunnerOptions;
  /** Closed while the work's surroundings fail (store, decoder, execution provider), or the log does. */
  readonly gates: { readonly work: IntakeGate; readonly log: IntakeGate };
  readonly committer: Committer;
  readonly inFlight: InFlight;
  /** What waits in retry topics, as far as it was polled. */
  readonly retries: RetryIntake | undefined;
  /** Why the runner ended, when it did by itself. */
  failure: FirstFiveError | undefined;
  state: RunnerState = 'starting';
  /** Each announced where its condition may have become true: nothing wakes for every record of a busy stage. */
  readonly #pulses = { finished: new Pulse(), due: new Pulse(), room: new Pulse() };
  readonly #stopping = new AbortController();
  readonly #abandoned = new AbortController();
  readonly #progress = new StageProgress();
  readonly #intake: IntakeLoop;
  readonly #hasSides: boolean;
  #member: GroupMember | undefined;
  #committing: Promise<void> = Promise.resolve();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: StageRunnerOptions) {
    this.options = options;
    const { spec, lane, handler, clock, random, telemetry } = options;
    this.gates = { work: new IntakeGate(clock, random), log: new IntakeGate(clock, random) };
    const deadlines = new Deadlines(clock, spec.watchdog.attemptDeadlineMs);
    this.inFlight = new InFlight(
      {
        ...{ spec, lane, handler, gate: this.gates.work, clock, deadlines, random, telemetry },
        ...(options.maxRecordBytes === undefined ? {} : { maxRecordBytes: options.maxRecordBytes }),
      },
      { onFinished: () => this.#onFinished(), onDefect: (thrown) => this.#fail(toFirstFiveError(thrown)) },
    );
    const isHeld = (at: TopicPartition) => this.inFlight.intakes.has(partitionKey(at));
    this.retries = spec.retryTiers?.length ? new RetryIntake(spec.retryTiers, clock, isHeld) : undefined;
    this.#hasSides = inputTopics(spec).length > 1;
    this.#intake = new IntakeLoop({
      ...{ spec, clock, inFlight: this.inFlight, retries: this.retries, gates: this.gates },
      room: this.#pulses.room,
      stopping: this.#stopping.signal,
      guarded: (call) => this.#guarded(call),
      onTaken: (records) => this.#take(records),
    });
    this.#abandoned.signal.addEventListener('abort', () => this.#abandonAll(), { once: true });
    this.committer = new Committer({ table: options.guard?.table, telemetry, clock });
  }

  stalledFor(now: number): number {
    const { lastCommitAt: commitAt } = this.committer;
    return this.#progress.stalledFor(now, { polledAt: this.#intake.polledAt, commitAt });
  }

  starvedFor(isLagging: boolean, now: number): number {
    return this.#progress.starvedFor(now, isLagging && this.inFlight.records === 0);
  }

  /** As `GroupMember.caughtUpTo`, for a partition of which nothing is held here. */
  caughtUpTo(at: PartitionIntake): bigint | undefined {
    if (at.heldRecords > 0 || this.retries?.holds(at) === true) return undefined;
    return this.#member?.caughtUpTo?.(at);
  }

  /** Joins the group and starts. Rejects with what made joining impossible (`GROUP_IN_USE`, say). */
  async start(): Promise<void> {
    const { log, spec, slot } = this.options;
    this.#member = await log.join({
      groupId: spec.groupId,
      topics: inputTopics(spec),
      outputs: writtenTopics(spec),
      slot,
      listener: { onAssigned: (p) => this.#onAssigned(p), onRevoked: (p) => this.#onRevoked(p) },
    });
    this.state = 'running';
    const loops = [this.#intake.run(this.#member), this.#commitLoop(this.#member)];
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
    this.#announceAll();
    const drained = new AbortController();
    const late = sleep(this.options.clock, drainMs, drained.signal).then(() => this.#abandoned.abort());
    await this.#loops;
    drained.abort();
    await late;
    await this.#member?.leave();
    if (this.state === 'draining') this.state = 'stopped';
  }

  #fail(error: FirstFiveError): void {
    this.failure ??= error;
    this.state = 'failed';
    this.#stopping.abort();
    this.#abandoned.abort();
  }

  #abandonAll(): void {
    this.inFlight.abandon();
    this.#announceAll();
  }

  #announceAll(): void {
    for (const pulse of Object.values(this.#pulses)) pulse.announce();
  }

  async #onAssigned(partitions: readonly Assignment[]): Promise<void> {
    const { guard, log } = this.options;
    this.inFlight.assign(partitions);
    this.retries?.forget(partitions);
    if (guard === undefined) return;
    const numbers = new Set(partitions.map((at) => at.partition));
    await catchUp(log, guard.table, guard.topic, [...numbers]);
  }

  /** Commits what is finished while the partitions are still ours, then forgets the rest: the next owner reads it again. */
  async #onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    const mine = this.inFlight.held(partitions);
    if (this.#member !== undefined) await this.#commitFinished(this.#member, mine).catch(() => {});
    const gone = this.inFlight.revoke(mine);
    this.retries?.forget(gone);
    this.#announceAll();
    try {
      for (const left of this.inFlight.intakes.values()) this.#requireCoOwned(left);
    } catch (thrown) {
      this.#fail(toFirstFiveError(thrown));
    }
  }

  #requireCoOwned(at: TopicPartition): void {
    requireCoOwned(this.options.spec, at, (other) => this.inFlight.intakes.has(partitionKey(other)));
  }

  #take(records: readonly StreamRecord[]): void {
    const { spec, telemetry } = this.options;
    if (this.#hasSides) this.#takeFromSides(records);
    else telemetry.consumed(spec.input, records.length);
    this.#progress.taken(this.options.clock.now());
    this.inFlight.take(records);
  }

  #takeFromSides(records: readonly StreamRecord[]): void {
    const { telemetry } = this.options;
    const byTopic = new Map<string, number>();
    for (const record of records) {
      this.#requireCoOwned(record);
      byTopic.set(record.topic, (byTopic.get(record.topic) ?? 0) + 1);
    }
    for (const [topic, count] of byTopic) telemetry.consumed(topic, count);
  }

  #onFinished(): void {
    this.#pulses.finished.announce();
    if (this.#commitIsDue()) this.#pulses.due.announce();
  }

  async #commitLoop(member: GroupMember): Promise<void> {
    const { clock, spec } = this.options;
    const commit = () => this.#guarded(() => this.#commitFinished(member, this.inFlight.intakes.values()));
    for (;;) {
      const draining = this.#stopping.signal.aborted;
      if (draining && (this.inFlight.records === 0 || this.#abandoned.signal.aborted)) break;
      if (this.inFlight.committable === 0) {
        await this.#pulses.finished.next();
        continue;
      }
      if (!this.#commitIsDue()) await this.#pulses.due.nextWithin(clock, spec.commit.intervalMs);
      await commit();
      await this.gates.log.passable(this.#abandoned.signal);
    }
    if (this.failure === undefined) await commit();
  }

  /** Enough for a unit, or, when draining, all that is left. */
  #commitIsDue(): boolean {
    const { committable } = this.inFlight;
    if (committable >= this.options.spec.commit.maxRecords) return true;
    return this.#stopping.signal.aborted && committable === this.inFlight.records;
  }

  /** Commits are serialised: a revocation may ask for one while the loop is in another. */
  #commitFinished(member: GroupMember, intakes: Iterable<PartitionIntake>): Promise<void> {
    const next = this.#committing.then(async () => {
      const settled = await this.committer.commit(member, intakes, this.options.spec.commit.maxRecords);
      const now = this.options.clock.now();
      for (const one of settled) this.#settle(one, now);
      if (this.inFlight.records === 0) this.#progress.idle();
      if (settled.length > 0) this.#pulses.room.announce();
    });
    this.#committing = next.catch(() => {});
    return next;
  }

  #settle({ finished, outcome }: Settled, now: number): void {
    const { record, startedAt, result, span } = finished;
    this.options.telemetry.recordDone(span, record.topic, outcome, (now - startedAt) / 1000, result.error);
    this.options.onSettled?.({ record, outcome, error: result.error });
  }

  /** Systemic failures of the log close its gate and count as "nothing came"; others end the runner (R3). */
  async #guarded<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await call();
      this.gates.log.succeed();
      return result;
    } catch (thrown) {
      const error = toFirstFiveError(thrown);
      if (error.kind !== 'systemic' || needsRestart(error)) throw error;
      this.gates.log.fail(error);
      return undefined;
    }
  }
}
