/**
 * The door to node-rdkafka: the parts of its API that we use, typed as they are, and its loading.
 *
 * C1. It is loaded from the folder that `./firstfive kafka setup` fills, on the main thread only: the add-on is not
 *     context-aware, and a second thread that loads it fails.
 * C2. Compression depends on the headers that were present when it was compiled, so the features are checked at load.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { FirstFiveError } from '../../core/errors.ts';

/** Offsets are numbers in the binding: exact up to 2^53. */
export interface ClientTopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset?: number;
}

/** Some calls put an error in the place of an offset, per partition. */
export interface ClientPartitionResult extends ClientTopicPartition {
  readonly error?: { readonly code?: number; readonly message?: string };
}

export interface ClientMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** One object with one property for each header, in order. */
  readonly headers?: readonly Readonly<Record<string, Uint8Array>>[];
}

export interface ClientError extends Error {
  readonly code: number;
  readonly isFatal?: boolean;
  readonly isRetriable?: boolean;
  readonly isTxnRequiresAbort?: boolean;
}

export interface ClientMetadata {
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly id: number; readonly leader: number }[];
  }[];
}

export type Done<T = unknown> = (error: ClientError | null | undefined, value: T) => void;

export interface ClientBase {
  connect(options: { readonly timeout?: number }, done: Done<ClientMetadata>): unknown;
  disconnect(done: Done): unknown;
  isConnected(): boolean;
  getMetadata(
    options: { readonly topic?: string; readonly timeout: number },
    done: Done<ClientMetadata>,
  ): unknown;
  queryWatermarkOffsets(
    topic: string,
    partition: number,
    timeoutMs: number,
    done: Done<{ readonly lowOffset: number; readonly highOffset: number }>,
  ): unknown;
  offsetsForTimes(
    positions: readonly ClientTopicPartition[],
    timeoutMs: number,
    done: Done<readonly ClientPartitionResult[]>,
  ): unknown;
  setOauthBearerToken(token: string): unknown;
  on(event: 'event.error', listener: (error: ClientError) => void): unknown;
  on(
    event: 'event.log',
    listener: (entry: { severity: number; fac: string; message: string }) => void,
  ): unknown;
}

export interface ClientConsumer extends ClientBase {
  subscribe(topics: readonly string[]): unknown;
  unsubscribe(): unknown;
  assign(partitions: readonly ClientTopicPartition[]): unknown;
  unassign(): unknown;
  incrementalAssign(partitions: readonly ClientTopicPartition[]): unknown;
  incrementalUnassign(partitions: readonly ClientTopicPartition[]): unknown;
  rebalanceProtocol(): string;
  pause(partitions: readonly ClientTopicPartition[]): unknown;
  resume(partitions: readonly ClientTopicPartition[]): unknown;
  setDefaultConsumeTimeout(timeoutMs: number): void;
  consume(count: number, done: Done<readonly ClientMessage[]>): unknown;
  commit(offsets: readonly ClientTopicPartition[]): unknown;
  committed(
    partitions: readonly ClientTopicPartition[],
    timeoutMs: number,
    done: Done<readonly ClientPartitionResult[]>,
  ): unknown;
  on(event: 'event.error', listener: (error: ClientError) => void): unknown;
  on(
    event: 'event.log',
    listener: (entry: { severity: number; fac: string; message: string }) => void,
  ): unknown;
  on(event: 'partition.eof', listener: (at: Required<ClientTopicPartition>) => void): unknown;
  on(
    event: 'offset.commit',
    listener: (error: ClientError | undefined, offsets: readonly ClientPartitionResult[]) => void,
  ): unknown;
}

export interface DeliveryReport {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly opaque?: unknown;
}

export interface ClientProducer extends ClientBase {
  /** Throws `ClientError`; `ERR__QUEUE_FULL` means: serve, wait, and produce again. */
  produce(
    topic: string,
    partition: number | null,
    value: Uint8Array | null,
    key: Uint8Array | null,
    timestamp: number,
    opaque: unknown,
    headers: readonly Readonly<Record<string, Uint8Array>>[] | undefined,
  ): unknown;
  poll(): unknown;
  setPollInterval(intervalMs: number): unknown;
  flush(timeoutMs: number, done: Done): unknown;
  initTransactions(timeoutMs: number, done: Done): unknown;
  beginTransaction(done: Done): unknown;
  sendOffsetsToTransaction(
    offsets: readonly ClientTopicPartition[],
    consumer: ClientConsumer,
    timeoutMs: number,
    done: Done,
  ): unknown;
  commitTransaction(timeoutMs: number, done: Done): unknown;
  abortTransaction(timeoutMs: number, done: Done): unknown;
  on(event: 'event.error', listener: (error: ClientError) => void): unknown;
  on(
    event: 'event.log',
    listener: (entry: { severity: number; fac: string; message: string }) => void,
  ): unknown;
  on(
    event: 'delivery-report',
    listener: (error: ClientError | null, report: DeliveryReport) => void,
  ): unknown;
}

export type ClientConfig = Readonly<Record<string, unknown>>;

export interface KafkaClient {
  readonly features: readonly string[];
  readonly librdkafkaVersion: string;
  readonly KafkaConsumer: new (config: ClientConfig, topicConfig: ClientConfig) => ClientConsumer;
  readonly Producer: new (config: ClientConfig, topicConfig: ClientConfig) => ClientProducer;
}

export const REQUIRED_FEATURES = [
  'zstd',
  'lz4',
  'ssl',
  'sasl_plain',
  'sasl_scram',
  'sasl_oauthbearer',
] as const;

/** `CONFIG_INVALID` when it is not built here, or was built without something that we need. */
export function loadClient(installDir: string): KafkaClient {
  if (!isMainThread) throw new FirstFiveError('INTERNAL', 'the Kafka client is for the main thread only'); // C1
  const entry = join(installDir, 'node_modules', 'node-rdkafka');
  if (!existsSync(entry)) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      'the Kafka client is not built yet: run `./firstfive kafka setup`',
    );
  }
  const client = requireClient(entry);
  const missing = REQUIRED_FEATURES.filter((feature) => !client.features.includes(feature));
  if (missing.length > 0) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      `the Kafka client was built without ${missing.join(', ')}: run \`./firstfive kafka setup\` again`,
    );
  }
  return client;
}

function requireClient(entry: string): KafkaClient {
  try {
    return createRequire(import.meta.url)(entry) as KafkaClient;
  } catch (cause) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      'the Kafka client does not load with this version of Node: run `./firstfive kafka setup` again',
      { cause },
    );
  }
}
