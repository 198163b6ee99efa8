/** The input of a pass-through, written once, and the count of what came out. */
import { called } from '../../src/adapters/log-kafka/calls.ts';
import type { ClientMessage, KafkaClient } from '../../src/adapters/log-kafka/client.ts';
import { connectClient } from '../../src/adapters/log-kafka/client-lifecycle.ts';
import { produceAll } from '../../src/adapters/log-kafka/producing.ts';
import { seededRandom } from '../../src/core/random.ts';

export interface LoadPlace {
  readonly client: KafkaClient;
  readonly brokers: readonly string[];
}

export const VALUE_BYTES = 200;
const CHUNK = 10_000;
const CALL_MS = 60_000;
const SEED = 1;

/**
 * Records with values of 200 random bytes (nothing for a codec to find) that begin with the record's number. Outside
 * transactions: markers would count as offsets.
 */
export async function preload(place: LoadPlace, topic: string, records: number): Promise<void> {
  const producer = new place.client.Producer(
    {
      'bootstrap.servers': place.brokers.join(','),
      'enable.idempotence': true,
      'compression.codec': 'lz4',
      'linger.ms': 5,
      'batch.num.messages': 10_000,
    },
    { partitioner: 'murmur2_random' },
  );
  const connected = await connectClient(producer, { brokers: place.brokers, clientId: 'preload' });
  const random = seededRandom(SEED);
  const noise = Buffer.from(Array.from({ length: 64 * 1_024 }, () => Math.floor(random() * 256)));
  for (let from = 0; from < records; from += CHUNK) {
    const count = Math.min(CHUNK, records - from);
    await produceAll(
      producer,
      Array.from({ length: count }, (_, i) => inputRecord(topic, from + i, noise)),
    );
  }
  await called('flush', CALL_MS, (done) => producer.flush(CALL_MS, done));
  await connected.disconnect();
}

function inputRecord(topic: string, number: number, noise: Buffer) {
  const at = (number * 31) % (noise.length - VALUE_BYTES);
  const value = Buffer.from(noise.subarray(at, at + VALUE_BYTES));
  value.writeUInt32LE(number, 0);
  return { topic, key: Buffer.from(`upload-${number}`), value, timestamp: Date.now(), headers: [] };
}

export interface Delivered {
  /** Numbers that never came out. */
  readonly lost: number;
  /** Records beyond the first of their number. */
  readonly doubled: number;
}

/** Reads what is committed, up to the end of every partition. */
export async function delivered(
  place: LoadPlace,
  topic: string,
  { partitions, records }: { readonly partitions: number; readonly records: number },
): Promise<Delivered> {
  const consumer = new place.client.KafkaConsumer(
    {
      'bootstrap.servers': place.brokers.join(','),
      'group.id': 'count',
      'enable.auto.commit': false,
      'isolation.level': 'read_committed',
      'enable.partition.eof': true,
      'fetch.wait.max.ms': 100,
    },
    { 'auto.offset.reset': 'earliest' },
  );
  const ended = new Set<number>();
  consumer.on('partition.eof', ({ partition }) => ended.add(partition));
  const connected = await connectClient(consumer, { brokers: place.brokers, clientId: 'count' });
  consumer.setDefaultConsumeTimeout(50);
  consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })));
  const seen = new Uint8Array(records);
  let doubled = 0;
  while (ended.size < partitions) {
    const messages = await called<readonly ClientMessage[]>('consume', CALL_MS, (done) =>
      consumer.consume(CHUNK, done),
    );
    for (const { value } of messages) {
      const number = Buffer.from(value ?? []).readUInt32LE(0);
      if (seen[number] === 1) doubled += 1;
      seen[number] = 1;
    }
  }
  await connected.disconnect();
  return { lost: records - seen.reduce((sum, one) => sum + one, 0), doubled };
}
