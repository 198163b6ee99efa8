import { describe, expect, it } from 'vitest';
import { LeftOpen } from '../../../src/adapters/log-kafka/left-open.ts';
import type { TransactionWork } from '../../../src/adapters/log-kafka/transactor.ts';
import { FakeConsumer } from '../../support/kafka/fake-client.ts';

/** `stable`: the last stable offsets of the partitions, look by look; the last ones stay. */
function make(stable: readonly (readonly bigint[])[], highest: readonly bigint[]) {
  const cancelled: TransactionWork[] = [];
  let looks = 0;
  const bounds = (ends: readonly bigint[]) => ends.map((end) => ({ start: 0n, end }));
  const leftOpen = new LeftOpen({
    consumer: new FakeConsumer().client,
    cancelled: async (work) => void cancelled.push(work),
    partitionsOf: async () => highest.length,
    ends: async () => bounds(highest),
    stableEnds: async () => bounds(stable[Math.min(looks++, stable.length - 1)] ?? []),
    pauseMs: 0,
  });
  const partitions = () => cancelled.map((work) => work.outputs.map((output) => output.partition));
  return { leftOpen, cancelled, partitions, looks: () => looks };
}

describe('transactions that brokers left open', () => {
  it('are ended over the offsets of the group, without touching what it reads', async () => {
    const { leftOpen, cancelled } = make([[0n]], [0n]);
    await leftOpen.endOffsets();
    expect(cancelled).toMatchObject([
      { outputs: [], offsets: [{ topic: '__consumer_offsets', partition: 0 }] },
    ]);
  });

  it('are ended on the output partitions where readers stand still, and only there', async () => {
    const { leftOpen, partitions } = make([[7n, 3n, 5n]], [7n, 9n, 6n]);
    await leftOpen.endOutputs(['out']);
    expect(partitions()).toEqual([[1, 2]]);
  });

  it('are not seen in transactions of others that go on', async () => {
    const moving = make(
      [
        [3n, 5n],
        [4n, 5n],
      ],
      [9n, 5n],
    );
    await moving.leftOpen.endOutputs(['out']);
    expect(moving.partitions()).toEqual([]);
  });

  it('are looked for once for each topic, and at no cost where nothing is open', async () => {
    const { leftOpen, partitions, looks } = make([[4n]], [4n]);
    await leftOpen.endOutputs(['out', 'out']);
    await leftOpen.endOutputs(['out']);
    expect([partitions(), looks()]).toEqual([[], 1]);
  });

  it('are looked for again after an aborted transaction, and its offsets are ended', async () => {
    const { leftOpen, cancelled, looks } = make([[4n]], [4n]);
    await leftOpen.settleOffsets();
    await leftOpen.endOutputs(['out']);
    await leftOpen.settleOffsets();
    expect([cancelled.length, looks()]).toEqual([1, 1]);
    leftOpen.doubt(['out']);
    await leftOpen.settleOffsets();
    await leftOpen.endOutputs(['out']);
    expect([cancelled.length, looks()]).toEqual([2, 2]);
  });

  it('are looked for again when looking failed', async () => {
    let answers = 0;
    const leftOpen = new LeftOpen({
      consumer: new FakeConsumer().client,
      cancelled: async () => {},
      partitionsOf: async () => {
        answers += 1;
        if (answers === 1) throw new Error('no broker');
        return 0;
      },
      ends: async () => [],
      stableEnds: async () => [],
    });
    await expect(leftOpen.endOutputs(['out'])).rejects.toThrow('no broker');
    await leftOpen.endOutputs(['out']);
    expect(answers).toBe(2);
  });
});
