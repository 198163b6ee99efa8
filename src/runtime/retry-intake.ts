/**
 * Intake from retry topics: what was polled and is not due yet, and what is.
 *
 * W1. What waits is no work: it takes no place among the records in flight, and no attempt runs for it. Of each partition
 *     at most one small poll is held; then the partition is paused until all of that has gone on.
 * W2. The delay is constant within a topic, so records fall due in offset order, and only the head of a partition is looked
 *     at. Waiting behind a head delays nobody: what comes after it falls due after it.
 * W3. The input never waits for a retry topic: polls of these return at once, and take a share of the room only.
 * W4. What is held and not handed on is not committed: the next owner, or the next start, reads it again.
 */
import { Fifo } from '../core/fifo.ts';
import { partitionKey, type StreamRecord, type TopicPartition } from '../core/record.ts';
import { notBefore } from '../core/retry-record.ts';
import type { Clock } from './clock.ts';
import type { GroupMember } from './log.ts';
import type { RetryTier } from './side-inputs.ts';

/** How often an empty retry topic is looked into: what falls due waits no longer than this for its turn. */
export const RETRY_POLL_MS = 200;
const POLL = { maxRecords: 8, maxBytes: 256 * 1024, maxWaitMs: 0 };

interface Held {
  readonly record: StreamRecord;
  /** Milliseconds since the epoch. */
  readonly dueAt: number;
}

interface Waiting {
  readonly at: TopicPartition;
  readonly held: Fifo<Held>;
  isPaused: boolean;
}

export class RetryIntake {
  readonly #clock: Clock;
  readonly #delays: ReadonlyMap<string, number>;
  readonly #topics: readonly string[];
  readonly #waiting = new Map<string, Waiting>();
  readonly #isOwned: (at: TopicPartition) => boolean;
  #nextPollAt = 0;

  /** `isOwned`: a poll may still return records of a partition that was given up meanwhile. */
  constructor(
    tiers: readonly RetryTier[],
    clock: Clock,
    isOwned: (at: TopicPartition) => boolean = () => true,
  ) {
    this.#clock = clock;
    this.#isOwned = isOwned;
    this.#topics = tiers.map(({ topic }) => topic);
    this.#delays = new Map(tiers.map(({ topic, delayMs }) => [topic, delayMs]));
  }

  /** When the head of a partition falls due, in milliseconds since the epoch; `undefined` when none is known to wait. */
  waitingUntil(at: TopicPartition): number | undefined {
    const waiting = this.#waiting.get(partitionKey(at));
    const dueAt = waiting?.held.peek()?.dueAt ?? 0;
    return dueAt > this.#clock.now() ? dueAt : undefined;
  }

  holds(at: TopicPartition): boolean {
    return this.#waiting.has(partitionKey(at));
  }

  /** Records whose time has come, at most `max`, in order per partition. Throws what the log throws. */
  async take(member: GroupMember, max: number): Promise<readonly StreamRecord[]> {
    const due = this.#takeDue(member, max);
    if (due.length > 0 || this.#clock.now() < this.#nextPollAt) return due;
    const polled = await member.poll({ ...POLL, topics: this.#topics });
    this.#nextPollAt = polled.length > 0 ? 0 : this.#clock.now() + RETRY_POLL_MS;
    for (const record of polled) if (this.#isOwned(record)) this.#admit(record);
    return this.#takeDue(member, max);
  }

  /** The partitions are another member's now, or ours anew: what is not committed of them is read again. */
  forget(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#waiting.delete(partitionKey(at));
  }

  #admit(record: StreamRecord): void {
    const { topic, partition } = record;
    const key = partitionKey(record);
    const waiting = this.#waiting.get(key) ?? { at: { topic, partition }, held: new Fifo(), isPaused: false };
    this.#waiting.set(key, waiting);
    // Never later than the topic's delay from now, whatever the header says or the clock has done since.
    const latest = this.#clock.now() + (this.#delays.get(topic) ?? 0);
    waiting.held.push({ record, dueAt: Math.min(notBefore(record), latest) });
  }

  #takeDue(member: GroupMember, max: number): StreamRecord[] {
    const due: StreamRecord[] = [];
    const now = this.#clock.now();
    for (const [key, waiting] of [...this.#waiting]) {
      const { held } = waiting;
      const before = due.length;
      for (let head = held.peek(); head !== undefined && due.length < max; head = held.peek()) {
        if (head.dueAt > now) break;
        held.shift();
        due.push(head.record);
      }
      if (due.length > before) this.#waiting.delete(key); // Goes last: the others have their turn before it next time.
      if (held.size > 0) this.#waiting.set(key, waiting);
      else if (waiting.isPaused) member.resume([waiting.at]);
      this.#pauseWhileWaiting(member, waiting, now);
    }
    return due;
  }

  /** W1. What is due already goes on without being paused: a log may have to fetch again after a pause. */
  #pauseWhileWaiting(member: GroupMember, waiting: Waiting, now: number): void {
    const head = waiting.held.peek();
    if (head === undefined || head.dueAt <= now || waiting.isPaused) return;
    waiting.isPaused = true;
    member.pause([waiting.at]);
  }
}
