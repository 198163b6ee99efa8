/**
 * Which topics there are, with their partition counts: asked at most once a minute and whenever a name is not known.
 *
 * Producing to an unknown topic must fail before a transaction opens. The broker may be set to create topics at the first
 * use; ours come from the topology, with partitions and retention.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { OutputRecord } from '../../core/record.ts';
import type { AdminClient } from './admin-client.ts';

const FRESH_MS = 60_000;

export class TopicCatalog {
  readonly #admin: AdminClient;
  #partitions: ReadonlyMap<string, number> = new Map();
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(admin: AdminClient) {
    this.#admin = admin;
  }

  /** Partition counts by topic; Kafka's own topics are left out. */
  async refresh(): Promise<ReadonlyMap<string, number>> {
    const { topics } = await this.#admin.call('listing topics', (admin) => admin.fetchTopicMetadata());
    const known = topics.filter(({ name }) => !name.startsWith('__'));
    this.#partitions = new Map(known.map(({ name, partitions }) => [name, partitions.length]));
    this.#askedAt = performance.now();
    return this.#partitions;
  }

  /** `TOPIC_NOT_FOUND`. */
  async partitionsOf(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined && performance.now() - this.#askedAt < FRESH_MS) return known;
    const count = (await this.refresh()).get(topic);
    if (count === undefined) throw new FirstFiveError('TOPIC_NOT_FOUND', `Kafka has no topic ${topic}`);
    return count;
  }

  /** `TOPIC_NOT_FOUND` or `TOPIC_MISMATCH` when one of the records has nowhere to go. */
  async require(records: readonly OutputRecord[]): Promise<void> {
    const highest = new Map<string, number>();
    for (const { topic, partition = 0 } of records) {
      const seen = highest.get(topic);
      if (seen === undefined || partition > seen) highest.set(topic, partition);
    }
    for (const [topic, partition] of highest) {
      const count = this.#partitions.get(topic) ?? (await this.partitionsOf(topic));
      if (partition < count || partition < (await this.#recount(topic))) continue;
      throw new FirstFiveError('TOPIC_MISMATCH', `topic ${topic} has no partition ${partition}`);
    }
  }

  async #recount(topic: string): Promise<number> {
    return (await this.refresh()).get(topic) ?? 0;
  }
}
