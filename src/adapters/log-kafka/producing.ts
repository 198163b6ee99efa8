/** Hands outputs to a producer's queue: waits where it is full, and lets the event loop run in between. */
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import type { OutputRecord } from '../../core/record.ts';
import type { ClientProducer } from './client.ts';
import { CODE, isClientError } from './client-errors.ts';
import { toClientHeaders } from './messages.ts';

/** Records handed over between two turns of the event loop: some milliseconds. */
const RUN = 1_000;
const FULL_WAIT_MS = 5;

/** `opaque` is given back in a delivery report. Throws `ClientError` for a record that cannot be queued. */
export async function produceAll(
  producer: ClientProducer,
  records: readonly OutputRecord[],
  opaque?: (index: number) => unknown,
): Promise<void> {
  for (let i = 0; i < records.length; i++) {
    const record = records[i];
    if (record === undefined) continue;
    while (!tryProduce(producer, record, opaque?.(i))) {
      producer.poll();
      await delay(FULL_WAIT_MS);
    }
    if (i % RUN === RUN - 1) await turn();
  }
}

/** False when the queue is full. */
function tryProduce(producer: ClientProducer, record: OutputRecord, opaque: unknown): boolean {
  const { topic, partition, value, key, timestamp, headers } = record;
  try {
    producer.produce(topic, partition ?? null, value, key, timestamp, opaque, toClientHeaders(headers));
    return true;
  } catch (thrown) {
    if (isClientError(thrown) && thrown.code === CODE.QUEUE_FULL) return false;
    throw thrown;
  }
}
