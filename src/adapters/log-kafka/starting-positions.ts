/** Where a group goes on: its committed offsets, or the first offset kept of a partition that it never committed. */
import { FirstFiveError } from '../../core/errors.ts';
import { partitionKey, type TopicPartition } from '../../core/record.ts';
import type { PartitionOffset } from '../../runtime/log.ts';
import { called } from './calls.ts';
import type { ClientConsumer, ClientPartitionResult } from './client.ts';
import { toLogError } from './client-errors.ts';

const ASK_MS = 10_000;
const DEADLINE_MS = 2 * ASK_MS;

/** `OFFSET_OUT_OF_RANGE` when retention has overtaken the group, or the topic was made anew. */
export async function startingPositions(
  consumer: ClientConsumer,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<readonly PartitionOffset[]> {
  if (partitions.length === 0) return [];
  try {
    const committed = await called<readonly ClientPartitionResult[]>('committed', DEADLINE_MS, (done) =>
      consumer.committed(partitions, ASK_MS, done),
    );
    return await Promise.all(partitions.map((at) => startingPosition(consumer, groupId, at, committed)));
  } catch (thrown) {
    throw toLogError(thrown, `group ${groupId}: reading where it stands`);
  }
}

async function startingPosition(
  consumer: ClientConsumer,
  groupId: string,
  at: TopicPartition,
  committed: readonly ClientPartitionResult[],
): Promise<PartitionOffset> {
  const { topic, partition } = at;
  const own = committed.find((one) => one.topic === topic && one.partition === partition);
  // Errors of single partitions come inside the list.
  if (own === undefined || own instanceof Error || own.error !== undefined) {
    throw new FirstFiveError(
      'LOG_UNAVAILABLE',
      `group ${groupId}: no committed offset of ${partitionKey(at)} came`,
    );
  }
  const { lowOffset, highOffset } = await called<{ lowOffset: number; highOffset: number }>(
    'queryWatermarkOffsets',
    DEADLINE_MS,
    (done) => consumer.queryWatermarkOffsets(topic, partition, ASK_MS, done),
  );
  const offset = own.offset;
  if (offset === undefined || offset < 0) return { topic, partition, offset: BigInt(lowOffset) };
  if (offset < lowOffset || offset > highOffset) {
    throw new FirstFiveError(
      'OFFSET_OUT_OF_RANGE',
      `group ${groupId} stands at offset ${offset} of ${partitionKey(at)}, which holds ${lowOffset} to ${highOffset}: ` +
        'retention removed records before they were read, or the topic was made anew. ' +
        'Use a new group to go on from what is there, and a longer retention',
    );
  }
  return { topic, partition, offset: BigInt(offset) };
}
