/**
 * Polls what a stage reads, within the room that its bounds leave.
 *
 * P1. What is held is bounded in records and bytes, from intake to commit; beyond that nothing is polled.
 * P2. Nothing is polled while a gate is closed: systemic failures stop intake and spend nobody's attempts.
 * P3. Due retries take up to a quarter of the room, on average: neither they nor the input can starve the other.
 */
import type { StreamRecord } from '../core/record.ts';
import type { Clock, Pulse } from './clock.ts';
import type { InFlight } from './in-flight.ts';
import type { IntakeGate } from './intake-gate.ts';
import type { GroupMember } from './log.ts';
import { RETRY_POLL_MS, type RetryIntake } from './retry-intake.ts';
import { inputTopics } from './side-inputs.ts';
import type { StageSpec } from './topology.ts';

export interface IntakeParts {
  readonly spec: StageSpec;
  readonly inFlight: InFlight;
  /** Present for a stage with retry topics. */
  readonly retries: RetryIntake | undefined;
  readonly gates: { readonly work: IntakeGate; readonly log: IntakeGate };
  /** Announced when records were committed. */
  readonly room: Pulse;
  readonly clock: Clock;
  readonly stopping: AbortSignal;
  /** Runs a call of the log: a systemic failure closes the log's gate and gives `undefined`. */
  readonly guarded: <T>(call: () => Promise<T>) => Promise<T | undefined>;
  readonly onTaken: (records: readonly StreamRecord[]) => void;
}

const POLL_WAIT_MS = 500;
const MAX_POLL_RECORDS = 500;
const RETRY_SHARE = 1 / 4;
const MAX_RETRIES_AT_ONCE = 8;

export class IntakeLoop {
  readonly #parts: IntakeParts;
  /** Of the polls of the input; absent where all topics are polled alike. */
  readonly #topics: readonly string[] | undefined;
  #retryCredit = 1;
  /** When the log last answered a poll; milliseconds since the epoch. */
  polledAt: number | undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    const tiers = new Set(parts.spec.retryTiers?.map(({ topic }) => topic));
    this.#topics =
      tiers.size === 0 ? undefined : inputTopics(parts.spec).filter((topic) => !tiers.has(topic));
  }

  async run(member: GroupMember): Promise<void> {
    const { gates, stopping, room } = this.#parts;
    while (!stopping.aborted) {
      await gates.work.passable(stopping);
      await gates.log.passable(stopping);
      await this.#takeRetries(member);
      if (stopping.aborted) return;
      const records = this.#roomFor();
      if (records === undefined) await room.next();
      else await this.#poll(member, records);
    }
  }

  async #poll(member: GroupMember, room: { maxRecords: number; maxBytes: number }): Promise<void> {
    const { stopping, guarded, clock } = this.#parts;
    const request =
      this.#topics === undefined
        ? { ...room, maxWaitMs: POLL_WAIT_MS, signal: stopping }
        : { ...room, maxWaitMs: RETRY_POLL_MS, signal: stopping, topics: this.#topics };
    const records = await guarded(() => member.poll(request));
    if (stopping.aborted) return;
    this.polledAt = clock.now();
    if (records !== undefined && records.length > 0) this.#parts.onTaken(records);
  }

  /** P3. What is left of the credit is kept, so that a stage with little room at a time serves retries now and then. */
  async #takeRetries(member: GroupMember): Promise<void> {
    const { retries, guarded, stopping } = this.#parts;
    const room = retries === undefined ? undefined : this.#roomFor();
    if (retries === undefined || room === undefined) return;
    this.#retryCredit = Math.min(MAX_RETRIES_AT_ONCE, this.#retryCredit + room.maxRecords * RETRY_SHARE);
    const most = Math.floor(this.#retryCredit);
    if (most < 1) return;
    const due = await guarded(() => retries.take(member, most));
    if (stopping.aborted || due === undefined || due.length === 0) return;
    this.#retryCredit -= due.length;
    this.#parts.onTaken(due);
  }

  /** P1. `undefined` when there is none. */
  #roomFor(): { maxRecords: number; maxBytes: number } | undefined {
    const { inFlight, spec } = this.#parts;
    const maxRecords = Math.min(spec.intake.maxInFlight - inFlight.records, MAX_POLL_RECORDS);
    const maxBytes = spec.intake.maxInFlightBytes - inFlight.bytes;
    return maxRecords <= 0 || maxBytes <= 0 ? undefined : { maxRecords, maxBytes };
  }
}
