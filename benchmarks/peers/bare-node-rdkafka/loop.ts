/**
 * Pass-through on the bare client: consume, produce, commit in a transaction. No retries, no rebalances, no bounds: this is
 * what the client itself can do, the ceiling for everything built on it.
 *
 * The next records are asked for while the last ones are produced and committed. Ends when its standard input does.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { type ClientMessage, type Done, loadClient } from '../../../src/adapters/log-kafka/client.ts';
import { fromEnvironment } from '../../lib/kafka-settings.ts';

const BATCH = 2_000;
const QUEUE_FULL = -184;

const { brokers, input, output, group, intervalMs, clientDir } = fromEnvironment(process.env);
const client = loadClient(clientDir);
const producer = new client.Producer(
  {
    'bootstrap.servers': brokers,
    'transactional.id': group,
    'compression.codec': 'lz4',
    'linger.ms': 5,
    'batch.num.messages': 10_000,
    'queue.buffering.max.messages': 500_000,
  },
  { partitioner: 'murmur2_random' },
);
const consumer = new client.KafkaConsumer(
  {
    'bootstrap.servers': brokers,
    'group.id': group,
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'isolation.level': 'read_committed',
    'fetch.wait.max.ms': 100,
  },
  { 'auto.offset.reset': 'earliest' },
);

function called<T>(start: (done: Done<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value)));
  });
}

let stopping = false;
process.stdin.resume();
process.stdin.on('end', () => {
  stopping = true;
});

await called((done) => producer.connect({}, done));
await called((done) => producer.initTransactions(-1, done));
await called((done) => consumer.connect({}, done));
consumer.setDefaultConsumeTimeout(20);
consumer.subscribe([input]);

const consume = () => called<readonly ClientMessage[]>((done) => consumer.consume(BATCH, done));
const next = new Map<number, number>();
let began = 0;
let coming = consume();
while (!stopping) {
  const messages = await coming;
  coming = consume();
  if (messages.length > 0 && next.size === 0) {
    await called((done) => producer.beginTransaction(done));
    began = performance.now();
  }
  for (const message of messages) {
    const full = handOver(message);
    if (full !== undefined) await full;
    next.set(message.partition, message.offset + 1);
  }
  if (next.size > 0 && performance.now() - began >= intervalMs) await commit();
}
await coming;
process.exit(0);

/** The trivial map: the value goes on as it is. */
function handOver(message: ClientMessage): Promise<void> | undefined {
  try {
    producer.produce(output, null, message.value, message.key, message.timestamp, undefined, undefined);
    return undefined;
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code !== QUEUE_FULL) throw thrown;
    producer.poll();
    return turn().then(() => handOver(message));
  }
}

async function commit(): Promise<void> {
  const offsets = [...next].map(([partition, offset]) => ({ topic: input, partition, offset }));
  await called((done) => producer.sendOffsetsToTransaction(offsets, consumer, 30_000, done));
  await called((done) => producer.commitTransaction(-1, done));
  next.clear();
}
