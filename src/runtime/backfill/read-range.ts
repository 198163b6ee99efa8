/**
 * Reads records between captured offsets, without a group.
 *
 * R1. The end is known by the position, not by silence: gaps that compaction and transaction markers leave are passed over
 *     by the reader, and a log that is slow to answer is waited for.
 * R2. What retention has removed before the start of a range is passed over; who needs all of it compares offsets.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { StreamRecord, TopicPartition } from '../../core/record.ts';
import type { Log, PartitionOffset } from '../log.ts';

export interface OffsetRange {
  readonly partition: number;
  readonly start: bigint;
  /** First offset after the range. */
  readonly end: bigint;
}

const READ = { maxRecords: 1_000, maxBytes: 8 * 1024 * 1024, maxWaitMs: 1_000 };
const MAX_EMPTY_READS = 30;

/** In order within a partition. `LOG_UNAVAILABLE` when the log neither gives records nor reaches the ends. */
export async function* readRange(
  log: Log,
  topic: string,
  ranges: readonly OffsetRange[],
  signal?: AbortSignal,
): AsyncGenerator<StreamRecord> {
  const from = await startingOffsets(log, topic, ranges);
  const ends = new Map(ranges.map(({ partition, end }) => [partition, end]));
  if (from.length === 0) return;
  const endOf = ({ partition }: TopicPartition) => ends.get(partition) ?? 0n;
  const reader = await log.openReader([topic], { at: 'offsets', offsets: from });
  try {
    let emptyReads = 0;
    while (reader.positions().some((at) => at.offset < endOf(at))) {
      if (signal?.aborted) return;
      const records = await reader.next({ ...READ, ...(signal === undefined ? {} : { signal }) });
      emptyReads = records.length === 0 ? emptyReads + 1 : 0;
      if (emptyReads > MAX_EMPTY_READS) throw silent(topic);
      for (const record of records) if (record.offset < endOf(record)) yield record;
    }
  } finally {
    await reader.close();
  }
}

/** Only of ranges that hold anything. */
async function startingOffsets(
  log: Log,
  topic: string,
  ranges: readonly OffsetRange[],
): Promise<readonly PartitionOffset[]> {
  // An absent topic has no ranges, and is not asked for.
  if (ranges.every(({ start, end }) => start >= end)) return [];
  const [description] = await log.admin.describeTopics([topic]);
  return ranges.flatMap(({ partition, start, end }) => {
    const first = description?.offsets[partition]?.start ?? 0n;
    const offset = start > first ? start : first;
    return offset < end ? [{ topic, partition, offset }] : [];
  });
}

/** All that a topic holds now. */
export async function wholeTopic(log: Log, topic: string): Promise<readonly OffsetRange[]> {
  const known = (await log.admin.describeTopics()).find(({ name }) => name === topic);
  return known?.offsets.map(({ start, end }, partition) => ({ partition, start, end })) ?? [];
}

function silent(topic: string): FirstFiveError {
  return new FirstFiveError(
    'LOG_UNAVAILABLE',
    `${topic} does not come to its end: a transaction may be open in it, or a broker is gone`,
  );
}
