/**
 * Runs one stage on one lane: polls, works, commits. Knows the ports only; the same code runs on any log.
 *
 * R1. What is held is bounded in records and bytes, from intake to commit; beyond that nothing is polled.
 * R2. Offsets move over the contiguous finished prefix only, with the outputs of that prefix (`Committer`).
 * R3. Systemic failures of the log close the gate; `LOG_FENCED` and configuration errors end the runner.
 * R4. Stopping drains: no intake, work under way goes on until the drain deadline, then a last commit, then leave.
 */
import { type FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import type { StreamRecord, TopicPartition } from '../core/record.ts';
import type { Lane } from '../core/upload.ts';
import { type Clock, Pulse, sleep } from './clock.ts';
import { Committer, type Settled } from './committer.ts';
import { Deadlines } from './deadlines.ts';
import type { RecordHandler } from './handler.ts';
import { InFlight } from './in-flight.ts';
import { IntakeGate } from './intake-gate.ts';
import { catchUp, type LatestTable } from './latest-table.ts';
import type { Assignment, GroupMember, Log } from './log.ts';
import type { PartitionIntake } from './partition-intake.ts';
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
  readonly inFlight: InFlight;
  /** Why the runner ended, when it did by itself. */
  failure: FirstFiveError | undefined;
  state: RunnerState = 'starting';
  /** Each announced where its condition may have become true: nothing wakes for every record of a busy stage. */
  readonly #pulses = { finished: new Pulse(), due: new Pulse(), room: new Pulse() };
  readonly #stopping = new AbortController();
  readonly #abandoned = new AbortController();
  #busySince: number | undefined;
  #polledAt: number | undefined;
  #takenAt: number | undefined;
  #takenWhenLagging: number | undefined;
  #laggingSince: number | undefined;
  #member: GroupMember | undefined;
  #committing: Promise<void> = Promise.resolve();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: StageRunnerOptions) {
    this.options = options;
    const { spec, lane, handler, clock, random, telemetry } = options;
    this.gates = { work: new IntakeGate(clock, random), log: new IntakeGate(clock, random) };
    const deadlines = new Deadlines(clock, spec.watchdog.attemptDeadlineMs);
    this.inFlight = new InFlight(
      { spec, lane, handler, gate: this.gates.work, clock, deadlines, random, telemetry },
      { onFinished: () => this.#onFinished(), onDefect: (thrown) => this.#fail(toFirstFiveError(thrown)) },
    );
    this.#abandoned.signal.addEventListener('abort', () => this.#abandonAll(), { once: true });
    this.committer = new Committer({ table: options.guard?.table, telemetry, clock });
  }

  /**
   * Milliseconds without progress while there was work: since the last commit, or since work came after an idle time.
   * An idle stage is not stalled, however old its last commit; one that no longer polls is.
   */
  stalledFor(now: number): number {
    if (this.#busySince === undefined) return now - (this.#polledAt ?? now);
    return now - Math.max(this.#busySince, this.committer.lastCommitAt ?? 0);
  }

  /**
   * Milliseconds since a lag was first seen while nothing was taken in: a log that answers polls with nothing although it
   * holds records looks idle from within. Call it with what health has just read.
   */
  starvedFor(isLagging: boolean, now: number): number {
    const isStarved = isLagging && this.inFlight.records === 0;
    if (!isStarved || this.#takenAt !== this.#takenWhenLagging) this.#laggingSince = undefined;
    if (isStarved) this.#laggingSince ??= now;
    this.#takenWhenLagging = this.#takenAt;
    return this.#laggingSince === undefined ? 0 : now - this.#laggingSince;
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
    const numbers = partitions.map((at) => at.partition);
    if (guard !== undefined) await catchUp(log, guard.table, guard.topic, numbers);
  }

  /** Commits what is finished while the partitions are still ours, then forgets the rest: the next owner reads it again. */
  async #onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    const mine = this.inFlight.held(partitions);
    if (this.#member !== undefined) await this.#commitFinished(this.#member, mine).catch(() => {});
    this.inFlight.revoke(partitions);
    this.#announceAll();
  }

  async #intakeLoop(member: GroupMember): Promise<void> {
    const stopping = this.#stopping.signal;
    const { intake } = this.options.spec;
    while (!stopping.aborted) {
      await this.gates.work.passable(stopping);
      await this.gates.log.passable(stopping);
      const room = Math.min(intake.maxInFlight - this.inFlight.records, MAX_POLL_RECORDS);
      const roomBytes = intake.maxInFlightBytes - this.inFlight.bytes;
      if (room <= 0 || roomBytes <= 0) {
        await this.#pulses.room.next();
        continue;
      }
      const request = { maxRecords: room, maxBytes: roomBytes, maxWaitMs: POLL_WAIT_MS, signal: stopping };
      const records = await this.#guarded(() => member.poll(request));
      if (stopping.aborted) return;
      this.#polledAt = this.options.clock.now();
      if (records !== undefined && records.length > 0) this.#take(records);
    }
  }

  #take(records: readonly StreamRecord[]): void {
    this.options.telemetry.consumed(this.options.spec.input, records.length);
    this.#takenAt = this.options.clock.now();
    this.#busySince ??= this.#takenAt;
    this.inFlight.take(records);
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
      if (!this.#commitIsDue()) await this.#commitInterval(clock, spec.commit.intervalMs);
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

  /** Waits for the commit interval, or until a commit is due before it. */
  async #commitInterval(clock: Clock, intervalMs: number): Promise<void> {
    const early = new AbortController();
    await Promise.race([sleep(clock, intervalMs, early.signal), this.#pulses.due.next()]);
    early.abort();
  }

  /** Commits are serialised: a revocation may ask for one while the loop is in another. */
  #commitFinished(member: GroupMember, intakes: Iterable<PartitionIntake>): Promise<void> {
    const next = this.#committing.then(async () => {
      const settled = await this.committer.commit(member, intakes, this.options.spec.commit.maxRecords);
      for (const one of settled) this.#settle(one);
      if (this.inFlight.records === 0) this.#busySince = undefined;
      if (settled.length > 0) this.#pulses.room.announce();
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

  /** Systemic failures of the log close its gate and count as "nothing came"; others end the runner (R3). */
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
}
