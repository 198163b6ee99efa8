/**
 * The log on a Kafka cluster: node-rdkafka as the data plane, kafkajs as the admin plane. docs/specs/kafka.md has the
 * guarantees, the settings and what they cost.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { OutputRecord } from '../../core/record.ts';
import { partitionKey } from '../../core/record.ts';
import type {
  GroupMember,
  GroupOptions,
  Log,
  LogReader,
  PartitionOffset,
  ReadFrom,
} from '../../runtime/log.ts';
import { AdminClient } from './admin-client.ts';
import { KafkaAppender } from './appender.ts';
import { type KafkaClient, loadClient } from './client.ts';
import { connectClient } from './client-lifecycle.ts';
import { joinGroup } from './join-group.ts';
import { KafkaLogAdmin } from './kafka-admin.ts';
import { KafkaLogReader } from './kafka-reader.ts';
import {
  type KafkaLogOptions,
  READER_TOPIC_CONFIG,
  type ResolvedOptions,
  readerConfig,
  resolveKafkaOptions,
} from './options.ts';
import { PartitionBounds } from './partition-bounds.ts';
import { Reachability } from './reachability.ts';
import { TopicCatalog } from './topic-catalog.ts';

/**
 * Connects. `LOG_UNAVAILABLE`: no broker answers. `CONFIG_INVALID`: the native client is not built, or access is refused.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const log = new KafkaLog(loadClient(options.clientDir), resolveKafkaOptions(options));
  await log.connect();
  return log;
}

export class KafkaLog implements Log {
  readonly admin: KafkaLogAdmin;
  readonly #client: KafkaClient;
  readonly #options: ResolvedOptions;
  readonly #adminClient: AdminClient;
  readonly #catalog: TopicCatalog;
  readonly #bounds: PartitionBounds;
  readonly #appender: KafkaAppender;
  readonly #members = new Set<GroupMember>();
  readonly #readers = new Set<LogReader>();

  constructor(client: KafkaClient, options: ResolvedOptions) {
    this.#client = client;
    this.#options = options;
    this.#adminClient = new AdminClient(options.connection);
    this.#catalog = new TopicCatalog(this.#adminClient);
    this.#appender = new KafkaAppender(client, options, this.#catalog);
    this.#bounds = new PartitionBounds(client, options);
    this.admin = new KafkaLogAdmin({
      client: this.#adminClient,
      catalog: this.#catalog,
      bounds: this.#bounds,
      replication: options.replication,
    });
  }

  async connect(): Promise<void> {
    await this.#catalog.refresh();
  }

  async join(options: GroupOptions): Promise<GroupMember> {
    const member = await joinGroup(options, {
      client: this.#client,
      options: this.#options,
      catalog: this.#catalog,
      bounds: this.#bounds,
      onLeft: (left) => this.#members.delete(left),
    });
    this.#members.add(member);
    return member;
  }

  append(records: readonly OutputRecord[]): Promise<readonly PartitionOffset[]> {
    return this.#appender.append(records);
  }

  async openReader(topics: readonly string[], from: ReadFrom): Promise<LogReader> {
    const start = await this.#startingAt(topics, from);
    const { connection, maxBufferedBytes } = this.#options;
    const consumer = new this.#client.KafkaConsumer(readerConfig(this.#options), READER_TOPIC_CONFIG);
    const reachability = new Reachability(consumer, connection.brokers.join(','));
    const connected = await connectClient(consumer, connection);
    const onClosed = (reader: LogReader) => this.#readers.delete(reader);
    const reader = new KafkaLogReader({ connected, reachability, from: start, maxBufferedBytes, onClosed });
    this.#readers.add(reader);
    return reader;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.leave()));
    await Promise.all([...this.#readers].map((reader) => reader.close()));
    await this.#appender.close();
    await this.#bounds.close();
    await this.#adminClient.close();
  }

  async #startingAt(topics: readonly string[], from: ReadFrom): Promise<readonly PartitionOffset[]> {
    const counts = await Promise.all(topics.map((topic) => this.#catalog.partitionsOf(topic)));
    if (from.at === 'time') {
      const found = topics.map((topic) => this.admin.offsetsForTime(topic, from.timestampMs));
      return (await Promise.all(found)).flat();
    }
    const bounds = await Promise.all(
      topics.map(async (topic, i) =>
        (await this.#bounds.of(topic, counts[i] ?? 0)).map((at, partition) => ({ topic, partition, ...at })),
      ),
    );
    const all = bounds.flat();
    if (from.at === 'offsets') return from.offsets.map((at) => requireHeld(at, all));
    return all.map(({ topic, partition, start, end }) => ({
      topic,
      partition,
      offset: from.at === 'end' ? end : start,
    }));
  }
}

function requireHeld(
  at: PartitionOffset,
  bounds: readonly { topic: string; partition: number; start: bigint; end: bigint }[],
): PartitionOffset {
  const held = bounds.find(({ topic, partition }) => topic === at.topic && partition === at.partition);
  if (held !== undefined && at.offset >= held.start && at.offset <= held.end) return at;
  const range = held === undefined ? 'does not exist' : `holds offsets ${held.start} to ${held.end}`;
  throw new FirstFiveError('OFFSET_OUT_OF_RANGE', `${partitionKey(at)} ${range}; ${at.offset} is asked for`);
}
