/** First offset whose event time is at or after a moment. Event times need not grow along a partition. */
import type { PartitionRef } from './catalog.ts';
import type { Database } from './database.ts';
import { partitionBounds } from './fetch.ts';
import { BUCKET_BITS, recordsTable } from './layout.ts';

const BUCKET_SIZE = 2 ** BUCKET_BITS;

/**
 * The end offset where there is none. The sparse index names runs of offsets that may hold it; a run whose latest record
 * was compacted away may hold none after all, and then the next one is looked at.
 */
export function offsetForTime(db: Database, ref: PartitionRef, timestampMs: number): number {
  const { start, end } = partitionBounds(db, ref);
  const buckets = db
    .statement('SELECT bucket FROM buckets WHERE partition_id = ? AND max_timestamp >= ? ORDER BY bucket')
    .all(ref.id, timestampMs) as unknown as [number][];
  const find = db.statement(
    `SELECT o FROM ${recordsTable(ref.id)} WHERE o >= ? AND o < ? AND t >= ? ORDER BY o LIMIT 1`,
  );
  for (const [bucket] of buckets) {
    const from = Math.max(start, bucket * BUCKET_SIZE);
    const row = find.get(from, (bucket + 1) * BUCKET_SIZE, timestampMs) as unknown as [number] | undefined;
    if (row !== undefined) return row[0];
  }
  return end;
}
