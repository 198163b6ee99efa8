/**
 * Reads records of several partitions, in order per partition, within a count and a size.
 *
 * F1. The partition's end is read before its records: a position may then move over the gap behind the last record.
 * F2. The first record of a fetch is returned whatever its size.
 * F3. A fetch that fails moves no cursor: what it had read from other partitions is read again.
 */
import type { StreamRecord } from '../../core/record.ts';
import { recordBytes } from '../../core/record.ts';
import type { PollRequest } from '../../runtime/log.ts';
import type { PartitionRef } from './catalog.ts';
import type { Database } from './database.ts';
import { decodeHeaders } from './header-bytes.ts';
import { recordsTable } from './layout.ts';

/** Where a member or a reader stands in a partition. */
export interface Cursor {
  readonly ref: PartitionRef;
  position: number;
}

export interface PartitionBounds {
  readonly start: number;
  readonly end: number;
}

type Row = readonly [o: number, t: number, k: Uint8Array | null, v: Uint8Array | null, h: Uint8Array | null];

interface Budget {
  records: number;
  bytes: number;
}

/** Rows read at a time: few at first, so that a run of large records is not read far past `maxBytes`. */
const FIRST_CHUNK = 32;
const MAX_CHUNK = 512;

/** `start` is the first offset kept; `end` the offset that the next record will get. */
export function partitionBounds(db: Database, ref: PartitionRef): PartitionBounds {
  const row = db.statement('SELECT start_offset, next_offset FROM partitions WHERE id = ?').get(ref.id);
  const [start, end] = row as unknown as [number, number];
  return { start, end };
}

/** Moves the cursors. `overtaken` is called when retention has removed records that a cursor had not read yet. */
export function fetchRecords(
  db: Database,
  cursors: readonly Cursor[],
  request: PollRequest,
  overtaken: (cursor: Cursor, bounds: PartitionBounds) => void,
): StreamRecord[] {
  const out: StreamRecord[] = [];
  const budget: Budget = { records: request.maxRecords, bytes: request.maxBytes };
  const before = cursors.map((cursor) => cursor.position);
  try {
    for (const cursor of cursors) {
      if (budget.records <= 0 || budget.bytes <= 0) break;
      const bounds = partitionBounds(db, cursor.ref); // F1
      if (cursor.position < bounds.start) overtaken(cursor, bounds);
      if (cursor.position < bounds.end) fetchPartition(db, { cursor, end: bounds.end, budget, out });
    }
    return out;
  } catch (thrown) {
    cursors.forEach((cursor, i) => {
      cursor.position = before[i] ?? cursor.position; // F3
    });
    throw thrown;
  }
}

interface PartitionFetch {
  readonly cursor: Cursor;
  readonly end: number;
  readonly budget: Budget;
  readonly out: StreamRecord[];
}

function fetchPartition(db: Database, { cursor, end, budget, out }: PartitionFetch): void {
  const select = db.statement(
    `SELECT o, t, k, v, h FROM ${recordsTable(cursor.ref.id)} WHERE o >= ? ORDER BY o LIMIT ?`,
  );
  for (
    let chunk = FIRST_CHUNK;
    budget.records > 0 && budget.bytes > 0;
    chunk = Math.min(chunk * 4, MAX_CHUNK)
  ) {
    const limit = Math.min(chunk, budget.records);
    const rows = select.all(cursor.position, limit) as unknown as Row[];
    for (const row of rows) {
      const record = toRecord(cursor.ref, row);
      const bytes = recordBytes(record);
      if (bytes > budget.bytes && out.length > 0) {
        budget.bytes = 0;
        return;
      }
      out.push(record);
      budget.records--;
      budget.bytes -= bytes;
      cursor.position = row[0] + 1;
    }
    if (rows.length < limit) {
      cursor.position = Math.max(cursor.position, end); // F1
      return;
    }
  }
}

function toRecord(ref: PartitionRef, [o, t, k, v, h]: Row): StreamRecord {
  return {
    topic: ref.topic,
    partition: ref.partition,
    offset: BigInt(o),
    timestamp: t,
    key: k,
    value: v,
    headers: decodeHeaders(h),
  };
}
