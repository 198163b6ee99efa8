/**
 * A consumer group of the memory log: who is a member, who owns which partition, and what was committed.
 *
 * G1. Partition n of every topic belongs to the same member (range, as on Kafka), so that a key's records of all input
 *     topics meet in one place.
 * G2. A partition has one owner. It goes to the next one after its owner gave it up, or is gone; its epoch then grows.
 * G3. A member with the slot of another one replaces it: the former is fenced, as by a transactional id.
 * G4. Rebalances run one after the other. Members keep what does not move.
 */
import { FirstFiveError } from '../core/errors.ts';
import { partitionKey, type TopicPartition } from '../core/record.ts';
import type { Assignment, OffsetCommit, PartitionOffset } from '../runtime/log.ts';

/** What a group asks of its members. Both resolve when the member is done with it, or is gone. */
export interface BalancedMember {
  readonly slot: string;
  readonly topics: readonly string[];
  giveUp(partitions: readonly TopicPartition[]): Promise<void>;
  receive(partitions: readonly Assignment[]): Promise<void>;
  /** It is no member any more and learns it from its next call. */
  dismiss(why: string): void;
}

interface Ownership extends Assignment {
  readonly owner: BalancedMember;
}

export class MemoryGroup {
  readonly committed = new Map<string, PartitionOffset>();
  readonly #partitionsOf: (topic: string) => number;
  readonly #topics = new Set<string>();
  readonly #owned = new Map<string, Ownership>();
  #members: BalancedMember[] = [];
  #epoch = 0;
  #balancing: Promise<void> = Promise.resolve();

  constructor(partitionsOf: (topic: string) => number) {
    this.#partitionsOf = partitionsOf;
  }

  /** Slots of the members, in the order of the ranges that they own. */
  get slots(): readonly string[] {
    return this.#members.map((member) => member.slot);
  }

  /** Resolves once the partitions that fall to the member are its own, or it is gone. */
  join(member: BalancedMember): Promise<void> {
    for (const topic of member.topics) this.#topics.add(topic);
    const former = this.#members.find((other) => other.slot === member.slot);
    if (former !== undefined) this.#remove(former, `another member has taken slot ${member.slot}`); // G3
    this.#members = [...this.#members, member].sort((a, b) => compare(a.slot, b.slot));
    return this.#rebalance();
  }

  /** The member goes, without a word from it. Resolves once its partitions have new owners. */
  drop(member: BalancedMember, why: string): Promise<void> {
    if (!this.#members.includes(member)) return Promise.resolve();
    this.#remove(member, why);
    return this.#rebalance();
  }

  /** As `drop`, by slot: what the group does when the session time-out of a member has passed. */
  expire(slot: string): void {
    const member = this.#members.find((other) => other.slot === slot);
    if (member !== undefined)
      void this.drop(member, `no heartbeat of slot ${slot} within the session time-out`);
  }

  lag(topics: readonly string[], endsOf: (topic: string) => readonly { readonly end: bigint }[]): number {
    let lag = 0;
    for (const topic of new Set([...topics, ...this.#topics])) {
      endsOf(topic).forEach(({ end }, partition) => {
        lag += Number(end - (this.committed.get(partitionKey({ topic, partition }))?.offset ?? 0n));
      });
    }
    return lag;
  }

  owns(member: BalancedMember, at: OffsetCommit): boolean {
    const owned = this.#owned.get(partitionKey(at));
    return owned !== undefined && owned.owner === member && owned.epoch === at.epoch;
  }

  /** Ends the ownership; called by the member once it has stopped working on them. */
  release(member: BalancedMember, partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      if (this.#owned.get(partitionKey(at))?.owner === member) this.#owned.delete(partitionKey(at));
    }
  }

  #remove(member: BalancedMember, why: string): void {
    this.#members = this.#members.filter((other) => other !== member);
    for (const [key, { owner }] of this.#owned) if (owner === member) this.#owned.delete(key);
    member.dismiss(why);
  }

  #rebalance(): Promise<void> {
    const next = this.#balancing.then(() => this.#balance()); // G4
    this.#balancing = next.catch(() => {});
    return next;
  }

  async #balance(): Promise<void> {
    const wanted = this.#wanted();
    const leaving = Map.groupBy(
      [...this.#owned.values()].filter(({ owner, ...at }) => wanted.get(partitionKey(at))?.owner !== owner),
      ({ owner }) => owner,
    );
    await Promise.all([...leaving].map(([member, partitions]) => member.giveUp(partitions)));
    const coming: Ownership[] = [];
    for (const [key, { owner, topic, partition }] of wanted) {
      // Whoever vanished meanwhile has a rebalance of its own coming.
      if (this.#owned.has(key) || !this.#members.includes(owner)) continue;
      const position = this.committed.get(key)?.offset ?? 0n;
      const ownership = { owner, topic, partition, position, epoch: ++this.#epoch };
      this.#owned.set(key, ownership); // G2
      coming.push(ownership);
    }
    const byMember = Map.groupBy(coming, ({ owner }) => owner);
    await Promise.all([...byMember].map(([member, owned]) => member.receive(owned.map(assignmentOf))));
  }

  /** G1. */
  #wanted(): Map<string, TopicPartition & { readonly owner: BalancedMember }> {
    const wanted = new Map<string, TopicPartition & { readonly owner: BalancedMember }>();
    for (const topic of new Set(this.#members.flatMap((member) => member.topics))) {
      const able = this.#members.filter((member) => member.topics.includes(topic));
      const count = this.#partitionsOf(topic);
      for (let partition = 0; partition < count; partition++) {
        const owner = able[Math.floor((partition * able.length) / count)];
        if (owner !== undefined) wanted.set(partitionKey({ topic, partition }), { topic, partition, owner });
      }
    }
    return wanted;
  }
}

export function unknownOffset(at: OffsetCommit): FirstFiveError {
  return new FirstFiveError(
    'LOG_ABORTED',
    `${partitionKey(at)} with epoch ${at.epoch} is not this member's any more`,
  );
}

function assignmentOf({ topic, partition, epoch, position }: Ownership): Assignment {
  return { topic, partition, epoch, position };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
