/** Options of the Kafka log, with their defaults, and the client properties that follow from them. */
import type { Delivery } from '../../runtime/topology.ts';
import type { ClientConfig } from './client.ts';
import { type KafkaConnection, rdkafkaConnection } from './connection.ts';

export const COMPRESSIONS = ['none', 'lz4', 'zstd', 'snappy', 'gzip'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

export const GROUP_PROTOCOLS = ['classic', 'consumer'] as const;
export type GroupProtocol = (typeof GROUP_PROTOCOLS)[number];

export interface KafkaLogOptions {
  readonly connection: KafkaConnection;
  /** Folder that `./firstfive kafka setup` fills. */
  readonly clientDir: string;
  readonly delivery?: Delivery;
  /** `consumer` is KIP-848 (brokers 4.0 and newer), with dynamic members; `classic` has static ones. */
  readonly groupProtocol?: GroupProtocol;
  /** How long a silent member keeps its partitions (classic protocol; with KIP-848 the broker says). */
  readonly sessionTimeoutMs?: number;
  /** How long the partitions of a member that died in mid-commit can stay blocked for another slot. */
  readonly transactionTimeoutMs?: number;
  /** Longest time that finished work is committed before partitions go to another member. */
  readonly revokeDrainMs?: number;
  /** How long `join` waits for the first assignment; no assignment is healthy, so it goes on without one. */
  readonly joinWaitMs?: number;
  readonly compression?: Compression;
  /** What a member or reader fetches ahead of its polls. */
  readonly maxBufferedBytes?: number;
  /** Copies of the topics that we create; absent: 3, or as many as there are brokers. */
  readonly replication?: number;
}

export type ResolvedOptions = Required<Omit<KafkaLogOptions, 'replication'>> &
  Pick<KafkaLogOptions, 'replication'>;

const DEFAULTS = {
  delivery: 'exactly-once',
  groupProtocol: 'classic',
  sessionTimeoutMs: 45_000,
  transactionTimeoutMs: 30_000,
  revokeDrainMs: 10_000,
  joinWaitMs: 10_000,
  compression: 'lz4',
  maxBufferedBytes: 8 * 1024 * 1024,
} as const;

/** Largest record that the clients let through; the topic's own limit decides below it. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export function resolveKafkaOptions(options: KafkaLogOptions): ResolvedOptions {
  return { ...DEFAULTS, ...options };
}

/**
 * A group of several topics gets range, which gives partitions of the same number to the same member (its topics have the same
 * count and the same subscribers): a key's records of all topics must meet in one place. A group of one topic keeps what it
 * has through a rebalance.
 */
export function memberConfig(
  options: ResolvedOptions,
  groupId: string,
  slot: string,
  topics: readonly string[],
): ClientConfig {
  const { groupProtocol, sessionTimeoutMs } = options;
  const together = topics.length > 1;
  const protocol =
    groupProtocol === 'consumer'
      ? { 'group.protocol': 'consumer', ...(together ? { 'group.remote.assignor': 'range' } : {}) }
      : {
          'group.protocol': 'classic',
          'group.instance.id': slotId(groupId, slot),
          'session.timeout.ms': sessionTimeoutMs,
          'heartbeat.interval.ms': Math.min(3_000, Math.floor(sessionTimeoutMs / 3)),
          'partition.assignment.strategy': together ? 'range' : 'cooperative-sticky',
        };
  return { ...consumerConfig(options), ...protocol, 'group.id': groupId, 'enable.partition.eof': true };
}

/** Assigned by hand: the group id is demanded by the client and never used. */
export function readerConfig(options: ResolvedOptions): ClientConfig {
  return {
    ...consumerConfig(options),
    'group.id': `${options.connection.clientId}-reader`,
    'enable.partition.eof': true,
  };
}

/** Asks for offsets only, those of open transactions included. */
export function boundsConfig(options: ResolvedOptions): ClientConfig {
  return {
    ...rdkafkaConnection(options.connection),
    'group.id': `${options.connection.clientId}-reader`,
    'enable.auto.commit': false,
    'isolation.level': 'read_uncommitted',
  };
}

export function transactionalConfig(options: ResolvedOptions, transactionalId: string): ClientConfig {
  return {
    ...producerConfig(options),
    'transactional.id': transactionalId,
    'transaction.timeout.ms': options.transactionTimeoutMs,
  };
}

/** Reports failed deliveries only: the successful ones are known by the flush. */
export function idempotentConfig(options: ResolvedOptions): ClientConfig {
  return {
    ...producerConfig(options),
    'enable.idempotence': true,
    dr_cb: true,
    'delivery.report.only.error': true,
  };
}

/** The name of a replica's place among its group's members: `transactional.id` and `group.instance.id`. */
export function slotId(groupId: string, slot: string): string {
  return `${groupId}.${slot}`;
}

function consumerConfig(options: ResolvedOptions): ClientConfig {
  const kilobytes = Math.max(1_024, Math.ceil(options.maxBufferedBytes / 1024));
  return {
    ...rdkafkaConnection(options.connection),
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'isolation.level': 'read_committed',
    'allow.auto.create.topics': false,
    // Prefetch: bounded here and once more in our own buffer. The back-off is a second by default, a stall per refill.
    'queued.max.messages.kbytes': kilobytes,
    'queued.min.messages': 100_000,
    'fetch.queue.backoff.ms': 50,
    'fetch.wait.max.ms': 100,
    'fetch.max.bytes': Math.max(MAX_MESSAGE_BYTES, kilobytes * 1024),
    'receive.message.max.bytes': 2 * Math.max(MAX_MESSAGE_BYTES, kilobytes * 1024),
  };
}

function producerConfig(options: ResolvedOptions): ClientConfig {
  return {
    ...rdkafkaConnection(options.connection),
    'compression.codec': options.compression,
    'message.max.bytes': MAX_MESSAGE_BYTES,
    'queue.buffering.max.messages': 500_000,
    'queue.buffering.max.kbytes': 262_144,
    'linger.ms': 5,
    'batch.num.messages': 10_000,
  };
}

/** A key goes where Kafka's own clients put it; records without one go anywhere. */
export const PRODUCER_TOPIC_CONFIG: ClientConfig = { partitioner: 'murmur2_random' };
/** Offsets are always given: one that is out of range must be an error, not a jump. */
export const MEMBER_TOPIC_CONFIG: ClientConfig = { 'auto.offset.reset': 'error' };
/** A reader that retention overtakes goes on at the first record kept. */
export const READER_TOPIC_CONFIG: ClientConfig = { 'auto.offset.reset': 'earliest' };
