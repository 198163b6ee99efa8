/**
 * Ends the transactions of a slot that the brokers left open for ever.
 *
 * A broker that decides a transaction writes no marker to a partition that has no leader in that moment (Apache Kafka 4.3,
 * `TransactionMarkerChannelManager`: "these partitions are likely deleted already and hence can be skipped"), as while all of its
 * replicas come back from a crash. The transaction is over for its coordinator, so no time-out ends it any more, and the partition
 * keeps it open: offsets of the group cannot be read, readers stand still, and records of an aborted transaction would become visible
 * with the next commit of the same producer id.
 *
 * The next marker of that producer id ends it, and the id stays with the slot. So before the slot commits anything, a transaction over the
 * same partitions is begun and aborted:
 *
 * O1. over the group's offsets always, before joining: a member that waits for these offsets keeps the whole group waiting;
 * O2. over an output partition only where readers stand still: where the last stable offset stays where it is, behind the end. The record
 *     that it takes is aborted; no reader of committed records sees it.
 * O3. A topic is looked at before it is written to for the first time.
 * O4. After an aborted transaction the same is done before the next commit: an abort that met an outage may have left its partitions open, and
 *     the next commit would make its records and its offsets valid.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { OutputRecord } from '../../core/record.ts';
import type { PartitionOffset } from '../../runtime/log.ts';
import type { ClientConsumer } from './client.ts';
import type { Bounds } from './partition-bounds.ts';
import type { TransactionWork } from './transactor.ts';

export interface LeftOpenParts {
  readonly consumer: ClientConsumer;
  readonly cancelled: (work: TransactionWork) => Promise<void>;
  readonly partitionsOf: (topic: string) => Promise<number>;
  /** Next offset of each partition, and how far records are stable there. */
  readonly ends: (topic: string, partitions: number) => Promise<readonly Bounds[]>;
  readonly stableEnds: (topic: string, partitions: number) => Promise<readonly Bounds[]>;
  readonly pauseMs?: number;
}

/** Kafka's own topic of committed offsets: it is always there. */
const OFFSETS_TOPIC = '__consumer_offsets';
/** Transactions of others, which end by themselves, pin a partition for less than this. */
const LOOKS = 4;
const PAUSE_MS = 250;

export class LeftOpen {
  readonly #parts: LeftOpenParts;
  readonly #seen = new Set<string>();
  #offsetsInDoubt = true;

  constructor(parts: LeftOpenParts) {
    this.#parts = parts;
  }

  /**
   * O1. The offset is of a partition that no group reads: should this transaction be left open too and be committed later, it has moved
   * nothing.
   */
  async endOffsets(): Promise<void> {
    const { cancelled, consumer } = this.#parts;
    const offsets: readonly PartitionOffset[] = [{ topic: OFFSETS_TOPIC, partition: 0, offset: 0n }];
    await cancelled({ outputs: [], offsets, consumer });
    this.#offsetsInDoubt = false;
  }

  /** O4. */
  doubt(topics: Iterable<string>): void {
    this.#offsetsInDoubt = true;
    for (const topic of topics) this.#seen.delete(topic);
  }

  /** O4. Ends the offsets of a transaction that was aborted. */
  async settleOffsets(): Promise<void> {
    if (this.#offsetsInDoubt) await this.endOffsets();
  }

  /** O2, O3. */
  async endOutputs(topics: Iterable<string>): Promise<void> {
    for (const topic of topics) {
      if (this.#seen.has(topic)) continue;
      const pinned = await this.#pinned(topic);
      if (pinned.length > 0)
        await this.#parts.cancelled({ outputs: pinned.map(fillerOf(topic)), offsets: [] });
      this.#seen.add(topic);
    }
  }

  /** Partitions whose stable end has not moved through all looks, although there is more behind it. */
  async #pinned(topic: string): Promise<readonly number[]> {
    const { partitionsOf, ends, stableEnds, pauseMs = PAUSE_MS } = this.#parts;
    const count = await partitionsOf(topic);
    let suspects: ReadonlyMap<number, bigint> | undefined;
    for (let look = 1; look <= LOOKS; look++) {
      const stable = await stableEnds(topic, count);
      const highest = await ends(topic, count);
      const pinned = new Map<number, bigint>();
      for (const [partition, { end }] of stable.entries()) {
        const isBehind = end < (highest[partition]?.end ?? end);
        if (isBehind && (suspects === undefined || suspects.get(partition) === end))
          pinned.set(partition, end);
      }
      suspects = pinned;
      if (pinned.size === 0) return [];
      if (look < LOOKS) await delay(pauseMs);
    }
    return [...(suspects?.keys() ?? [])];
  }
}

/** What a transaction that is going to be aborted writes. A compacted topic takes no record without a key. */
export function fillerOf(topic: string): (partition: number) => OutputRecord {
  const key = new TextEncoder().encode('aborted');
  return (partition) => ({ topic, partition, timestamp: 0, key, value: new Uint8Array(), headers: [] });
}
