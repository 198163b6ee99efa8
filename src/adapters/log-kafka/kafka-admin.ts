/** Topics, offsets and lag of a Kafka cluster. */
import { FirstFiveError } from '../../core/errors.ts';
import type { LogAdmin, PartitionOffset, TopicDescription, TopicSpec } from '../../runtime/log.ts';
import { type AdminClient, protocolErrorType } from './admin-client.ts';
import type { PartitionBounds } from './partition-bounds.ts';
import type { TopicCatalog } from './topic-catalog.ts';
import { specOf, topicConfigEntries } from './topic-config.ts';
import { compareTopics, readTopicConfigs, type TopicReport } from './topic-drift.ts';

const MAX_REPLICATION = 3;

export interface AdminParts {
  readonly client: AdminClient;
  readonly catalog: TopicCatalog;
  readonly bounds: PartitionBounds;
  /** Copies of new topics; absent: 3, or as many as there are brokers. */
  readonly replication: number | undefined;
}

export class KafkaLogAdmin implements LogAdmin {
  readonly #client: AdminClient;
  readonly #catalog: TopicCatalog;
  readonly #bounds: PartitionBounds;
  readonly #replication: number | undefined;

  constructor(parts: AdminParts) {
    this.#client = parts.client;
    this.#catalog = parts.catalog;
    this.#bounds = parts.bounds;
    this.#replication = parts.replication;
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    const known = await this.#catalog.refresh();
    const missing = topics.filter((spec) => !known.has(spec.name));
    if (missing.length > 0) await this.#create(missing);
    const now = missing.length > 0 ? await this.#created(missing) : known;
    for (const spec of topics) {
      const partitions = now.get(spec.name);
      if (partitions === spec.partitions) continue;
      throw new FirstFiveError(
        'TOPIC_MISMATCH',
        `topic ${spec.name} has ${partitions} partitions and the topology says ${spec.partitions}: ` +
          'keys would move between partitions; change the topology, or use a new topic',
      );
    }
  }

  async describeTopics(names?: readonly string[]): Promise<readonly TopicDescription[]> {
    const known = await this.#catalog.refresh();
    const wanted = names ?? [...known.keys()];
    for (const name of wanted) {
      if (!known.has(name)) throw new FirstFiveError('TOPIC_NOT_FOUND', `Kafka has no topic ${name}`);
    }
    if (wanted.length === 0) return [];
    const configs = await readTopicConfigs(this.#client, wanted);
    return Promise.all(
      wanted.map(async (name) => ({
        ...specOf(name, known.get(name) ?? 0, configs.get(name) ?? new Map()),
        offsets: await this.#bounds.of(name, known.get(name) ?? 0),
      })),
    );
  }

  /** What of the topics that exist differs from what is wanted, and which are missing. */
  async compare(topics: readonly TopicSpec[]): Promise<TopicReport> {
    return compareTopics(this.#client, this.#catalog, topics);
  }

  async committedOffsets(groupId: string): Promise<readonly PartitionOffset[]> {
    const topics = await this.#client.call(`reading the offsets of group ${groupId}`, (admin) =>
      admin.fetchOffsets({ groupId }),
    );
    return topics.flatMap(({ topic, partitions }) =>
      partitions
        .map(({ partition, offset }) => ({ topic, partition, offset: BigInt(offset) }))
        .filter(({ offset }) => offset >= 0n)
        .sort((a, b) => a.partition - b.partition),
    );
  }

  async offsetsForTime(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]> {
    return this.#bounds.atTime(topic, await this.#catalog.partitionsOf(topic), timestampMs);
  }

  async clean(): Promise<number> {
    return 0;
  }

  async #create(specs: readonly TopicSpec[]): Promise<void> {
    await this.#client.call('creating topics', async (admin) => {
      const brokers = (await admin.describeCluster()).brokers.length;
      const replicationFactor = this.#replication ?? Math.min(MAX_REPLICATION, brokers);
      const topics = specs.map((spec) => ({
        topic: spec.name,
        numPartitions: spec.partitions,
        replicationFactor,
        configEntries: topicConfigEntries(spec),
      }));
      try {
        await admin.createTopics({ topics, waitForLeaders: true });
      } catch (thrown) {
        // Another process of the same topology was faster; what it made is checked by the caller.
        if (!namesTopicAlreadyExists(thrown)) throw thrown;
      }
    });
  }

  /** The broker that is asked may hear of a new topic a moment later than the one that made it. */
  async #created(specs: readonly TopicSpec[]): Promise<ReadonlyMap<string, number>> {
    for (let tries = 1; ; tries++) {
      const known = await this.#catalog.refresh();
      if (specs.every((spec) => known.has(spec.name)) || tries >= 50) return known;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function namesTopicAlreadyExists(thrown: unknown): boolean {
  if (protocolErrorType(thrown) === 'TOPIC_ALREADY_EXISTS') return true;
  const errors = (thrown as { errors?: unknown }).errors;
  return (
    Array.isArray(errors) &&
    errors.length > 0 &&
    errors.every((error) => protocolErrorType(error) === 'TOPIC_ALREADY_EXISTS')
  );
}
