/**
 * First and next offsets of partitions, by a client of its own that is connected at the first use.
 *
 * The next offset is the high watermark, not the last stable offset: a transaction is committed before its markers are
 * written, so that a reader which must see everything committed before now has to read up to here. It waits where a
 * transaction is still open.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FirstFiveError } from '../../core/errors.ts';
import { partitionKey } from '../../core/record.ts';
import type { PartitionOffset } from '../../runtime/log.ts';
import { called } from './calls.ts';
import type { ClientConsumer, ClientPartitionResult, KafkaClient } from './client.ts';
import { CODE, isClientError, toLogError } from './client-errors.ts';
import { type ConnectedClient, connectClient } from './client-lifecycle.ts';
import { boundsConfig, MEMBER_TOPIC_CONFIG, type ResolvedOptions } from './options.ts';

export interface Bounds {
  readonly start: bigint;
  readonly end: bigint;
}

const ASK_MS = 10_000;
const LEADER_TRIES = 50;
const LEADER_PAUSE_MS = 100;
/** Each question holds one thread of libuv's pool, which others need too. */
const CONCURRENCY = 4;

export class PartitionBounds {
  readonly #client: KafkaClient;
  readonly #options: ResolvedOptions;
  #connected: Promise<ConnectedClient<ClientConsumer>> | undefined;

  constructor(client: KafkaClient, options: ResolvedOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** By partition. */
  async of(topic: string, partitions: number): Promise<readonly Bounds[]> {
    return boundsOf(await this.#consumer(), topic, partitions);
  }

  /** First offset whose timestamp is at least the given one, by partition; the end where there is none. */
  async atTime(topic: string, partitions: number, timestampMs: number): Promise<readonly PartitionOffset[]> {
    const consumer = await this.#consumer();
    const wanted = Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      offset: timestampMs,
    }));
    const found = await called<readonly ClientPartitionResult[]>('offsetsForTimes', 2 * ASK_MS, (done) =>
      consumer.offsetsForTimes(wanted, ASK_MS, done),
    ).catch((thrown: unknown) => {
      throw toLogError(thrown, `finding the offsets of ${topic} at a time`);
    });
    const ends = await this.of(topic, partitions);
    return ends.map(({ end }, partition) => {
      const at = found.find((one) => one.partition === partition);
      if (at === undefined || at instanceof Error || at.offset === undefined) {
        const where = partitionKey({ topic, partition });
        throw new FirstFiveError(
          'LOG_UNAVAILABLE',
          `Kafka did not say which offset of ${where} is at a time`,
        );
      }
      return { topic, partition, offset: at.offset < 0 ? end : BigInt(at.offset) };
    });
  }

  async close(): Promise<void> {
    const connected = await this.#connected?.catch(() => undefined);
    await connected?.disconnect();
  }

  async #consumer(): Promise<ClientConsumer> {
    this.#connected ??= connectClient(
      new this.#client.KafkaConsumer(boundsConfig(this.#options), MEMBER_TOPIC_CONFIG),
      this.#options.connection,
    );
    try {
      return (await this.#connected).client;
    } catch (thrown) {
      this.#connected = undefined;
      throw thrown;
    }
  }
}

/** By partition. The end is the last stable offset where the consumer reads committed records only. */
export async function boundsOf(
  consumer: ClientConsumer,
  topic: string,
  partitions: number,
): Promise<readonly Bounds[]> {
  const bounds: Bounds[] = new Array(partitions);
  let next = 0;
  const worker = async () => {
    while (next < partitions) {
      const partition = next++;
      bounds[partition] = await askBounds(consumer, topic, partition);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, partitions) }, worker));
  return bounds;
}

async function askBounds(consumer: ClientConsumer, topic: string, partition: number): Promise<Bounds> {
  for (let tries = 1; ; tries++) {
    try {
      const { lowOffset, highOffset } = await called<{ lowOffset: number; highOffset: number }>(
        'queryWatermarkOffsets',
        2 * ASK_MS,
        (done) => consumer.queryWatermarkOffsets(topic, partition, ASK_MS, done),
      );
      return { start: BigInt(lowOffset), end: BigInt(highOffset) };
    } catch (thrown) {
      if (!isLookingForLeader(thrown) || tries >= LEADER_TRIES) {
        throw toLogError(thrown, `reading the ends of ${partitionKey({ topic, partition })}`);
      }
      await delay(LEADER_PAUSE_MS);
    }
  }
}

/** A topic that was just made, or whose leader has just moved. */
function isLookingForLeader(thrown: unknown): boolean {
  return (
    isClientError(thrown) && [CODE.NOT_LEADER, CODE.LEADER_NOT_AVAILABLE].some((code) => code === thrown.code)
  );
}
