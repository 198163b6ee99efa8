import { afterEach, describe, expect, it } from 'vitest';
import { ConsumerPump } from '../../../src/adapters/log-kafka/consumer-pump.ts';
import { RecordBuffer } from '../../../src/adapters/log-kafka/record-buffer.ts';
import { clientError, FakeConsumer, message } from '../../support/kafka/fake-client.ts';

const AT = { topic: 't', partition: 0 };
const ALL = { maxRecords: 1_000, maxBytes: 1e9 };

let stop = async () => {};
afterEach(() => stop());

function make(maxBufferedBytes = 1e6) {
  const consumer = new FakeConsumer();
  const buffer = new RecordBuffer();
  buffer.open(AT);
  const errors: unknown[] = [];
  let served = 0;
  const pump = new ConsumerPump({
    consumer: consumer.client,
    buffer,
    maxBufferedBytes,
    assigned: () => [AT],
    isPaused: () => false,
    onError: (thrown) => errors.push(thrown),
    onServed: () => {
      served += 1;
    },
  });
  pump.start();
  stop = async () => {
    const stopped = pump.stop();
    if (consumer.pending !== undefined) await consumer.answer([]);
    await stopped;
  };
  return { consumer, buffer, pump, errors, served: () => served };
}

describe('the pump of a consumer', () => {
  it('waits for one record, and takes what came with it without waiting', async () => {
    const { consumer, buffer, served } = make();
    expect(await consumer.answer([message(0, 0)])).toEqual({ count: 1, timeoutMs: 100 });
    expect(served()).toBe(0);
    const second = await consumer.answer([message(0, 1), message(0, 2)]);
    expect([second.timeoutMs, second.count > 100, served()]).toEqual([0, true, 1]);
    expect(buffer.take(ALL, () => false).map((record) => record.offset)).toEqual([0n, 1n, 2n]);
    expect(await consumer.answer([])).toEqual({ count: 1, timeoutMs: 100 });
  });

  it('resumes what it had paused after a new assignment: the client remembers', async () => {
    const { consumer, pump } = make(1_000);
    await consumer.answer([message(0, 0, 2_000)]);
    await consumer.answer([]);
    expect(consumer.calls).toEqual(['pause 0']);
    pump.reassigned();
    expect(consumer.calls).toEqual(['pause 0', 'resume 0']);
  });

  it('pauses the partitions when the buffer stays full, goes on polling, and resumes when there is room', async () => {
    const { consumer, buffer, pump } = make(1_000);
    await consumer.answer([message(0, 0, 2_000)]);
    await consumer.answer([]);
    expect(consumer.calls).toEqual(['pause 0']);
    await consumer.answer([]);
    buffer.take(ALL, () => false);
    pump.roomMade();
    await consumer.answer([]);
    await consumer.answer([]);
    expect(consumer.calls).toEqual(['pause 0', 'resume 0']);
  });

  it('holds the next call back for a moment only while the buffer is full for a moment', async () => {
    const { consumer, buffer, pump } = make(1_000);
    await consumer.answer([message(0, 0, 2_000)]);
    buffer.take(ALL, () => false);
    pump.roomMade();
    await consumer.answer([]);
    expect(consumer.calls).toEqual([]);
  });

  it('runs what must not meet a consume call between two of them', async () => {
    const { consumer, pump } = make();
    while (consumer.pending === undefined) await new Promise((resolve) => setImmediate(resolve));
    let pendingThen: unknown = 'not run';
    const quiet = pump.quiesce(() => {
      pendingThen = consumer.pending;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(pendingThen).toBe('not run');
    await consumer.answer([]);
    await quiet;
    expect(pendingThen).toBeUndefined();
  });

  it('has heard the group once a call that began later has come back', async () => {
    const { consumer, pump } = make();
    while (consumer.pending === undefined) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 2));
    let heard = false;
    const cycle = pump.cycle().then(() => {
      heard = true;
    });
    await consumer.answer([]);
    expect(heard).toBe(false);
    await consumer.answer([]);
    await cycle;
  });

  it('reports an error and goes on', async () => {
    const { consumer, errors, buffer } = make();
    await consumer.answer(clientError(-195));
    await consumer.answer([message(0, 0)]);
    expect(errors).toMatchObject([{ code: -195 }]);
    expect(buffer.isEmpty(AT)).toBe(false);
  });
});
