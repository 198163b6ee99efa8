/**
 * A member of a memory log's group.
 *
 * M1. A commit is refused whole when one of its offsets is not the member's under its epoch: `LOG_ABORTED` when that
 *     partition moved on, `LOG_FENCED` when the member itself is none any more.
 * M2. After a commit whose answer was lost although it took place, the same unit is recognised; a member that goes on with
 *     another one is fenced: it would write the outputs twice.
 * M3. What `poll` returns is taken in the step in which it returns: partitions given up are never in it.
 */
import { FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import { partitionKey, type StreamRecord, type TopicPartition } from '../core/record.ts';
import type {
  Assignment,
  CommitUnit,
  GroupMember,
  GroupOptions,
  MemberPollRequest,
  PartitionOffset,
  PollRequest,
} from '../runtime/log.ts';
import { type BalancedMember, type MemoryGroup, unknownOffset } from './memory-group.ts';
import type { LogStep } from './memory-step.ts';
import type { MemoryTopics } from './memory-topics.ts';
import { waitForRecords } from './memory-wait.ts';

export interface MemoryMemberParts {
  readonly options: GroupOptions;
  readonly group: MemoryGroup;
  readonly topics: MemoryTopics;
  readonly fault: (step: LogStep) => Promise<void>;
  /** Waits `ms`, or until something was appended, resumed or the signal aborted. */
  readonly idle: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Which partitions a poll looks at first, and how much of a request it serves. */
  readonly portion: (keys: readonly string[], request: PollRequest) => PollPortion;
}

export interface PollPortion {
  readonly keys: readonly string[];
  readonly maxRecords: number;
}

const ASSIGN_RETRY_MS = 1_000;

export class MemoryMember implements GroupMember, BalancedMember {
  readonly slot: string;
  readonly topics: readonly string[];
  readonly #parts: MemoryMemberParts;
  readonly #positions = new Map<string, PartitionOffset>();
  readonly #paused = new Set<string>();
  readonly #gone = Promise.withResolvers<void>();
  #ended: FirstFiveError | undefined;
  #left = false;
  /** Next offsets of a unit that took place without an answer. */
  #unanswered: string | undefined;

  constructor(parts: MemoryMemberParts) {
    this.#parts = parts;
    this.slot = parts.options.slot;
    this.topics = parts.options.topics;
  }

  async poll(request: MemberPollRequest): Promise<readonly StreamRecord[]> {
    const { fault, topics, idle } = this.#parts;
    return waitForRecords(request, idle, async () => {
      if (this.#left) return undefined;
      if (this.#ended !== undefined) throw this.#ended;
      if (!topics.hasMore(this.#readable(request))) return [];
      await fault('poll');
      if (this.#left) return undefined;
      if (this.#ended !== undefined) throw this.#ended;
      const keys = [...this.#readable(request)].map(partitionKey);
      const portion = this.#parts.portion(keys, request);
      return topics.take(this.#positions, { ...request, maxRecords: portion.maxRecords }, portion.keys); // M3
    });
  }

  async commit(unit: CommitUnit): Promise<void> {
    const { fault, group, topics } = this.#parts;
    await fault('commit');
    if (this.#ended !== undefined) throw this.#ended;
    const offsets = offsetsText(unit);
    if (this.#unanswered !== undefined) {
      if (this.#unanswered !== offsets) throw fenced('it has committed more than this member knows'); // M2
      this.#unanswered = undefined;
      return;
    }
    for (const at of unit.offsets) if (!group.owns(this, at)) throw unknownOffset(at); // M1
    topics.append(unit.outputs);
    for (const { topic, partition, offset } of unit.offsets) {
      group.committed.set(partitionKey({ topic, partition }), { topic, partition, offset });
    }
    this.#unanswered = offsets;
    await fault('committed');
    this.#unanswered = undefined;
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#paused.add(partitionKey(at));
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#paused.delete(partitionKey(at));
    this.#parts.topics.appended.announce();
  }

  async leave(): Promise<void> {
    this.#left = true;
    void this.#parts.group.drop(this, 'it has left the group');
  }

  async giveUp(partitions: readonly TopicPartition[]): Promise<void> {
    const { fault, options, group } = this.#parts;
    // The listener hears of it whatever fails, and one that fails itself keeps nothing: the partitions go in any case.
    const told = fault('revoke')
      .catch(() => {})
      .then(() => options.listener.onRevoked(partitions));
    await Promise.race([told.catch(() => {}), this.#gone.promise]);
    for (const at of partitions) this.#forget(partitionKey(at));
    group.release(this, partitions);
  }

  async receive(assignments: readonly Assignment[]): Promise<void> {
    await Promise.race([this.#receive(assignments), this.#gone.promise]);
  }

  dismiss(why: string): void {
    this.#ended ??= fenced(why);
    this.#positions.clear();
    this.#gone.resolve();
    this.#parts.topics.appended.announce();
  }

  /** Tells the listener until it has taken them; what is wrong with the configuration ends the member. */
  async #receive(assignments: readonly Assignment[]): Promise<void> {
    const { fault, options, idle } = this.#parts;
    while (this.#ended === undefined) {
      try {
        await fault('assign');
        await options.listener.onAssigned(assignments);
        break;
      } catch (thrown) {
        const error = toFirstFiveError(thrown);
        if (error.kind === 'systemic') await idle(ASSIGN_RETRY_MS, undefined);
        else this.#ended = error;
      }
    }
    if (this.#ended !== undefined) return;
    for (const { topic, partition, position } of assignments) {
      const key = partitionKey({ topic, partition });
      this.#positions.set(key, { topic, partition, offset: position });
    }
    this.#parts.topics.appended.announce();
  }

  *#readable({ topics }: MemberPollRequest): Iterable<PartitionOffset> {
    for (const [key, at] of this.#positions) {
      if (!this.#paused.has(key) && (topics === undefined || topics.includes(at.topic))) yield at;
    }
  }

  #forget(key: string): void {
    this.#positions.delete(key);
    this.#paused.delete(key);
  }
}

function offsetsText({ offsets }: CommitUnit): string {
  return offsets
    .map((at) => `${partitionKey(at)}@${at.offset}`)
    .sort()
    .join(' ');
}

function fenced(why: string): FirstFiveError {
  return new FirstFiveError('LOG_FENCED', why);
}
