/**
 * Retention and compaction, in slices that each commit on their own and take about `SLICE_MS`.
 *
 * C1. `delete`: a record goes `retentionMs` after it was appended. Append time and not event time decides: an upload that is
 *     submitted, replayed or redriven long after it was made must not vanish before it is read.
 * C2. `compact`: of each key the latest record stays, whatever its age; a tombstone goes `retentionMs` after its append,
 *     and only once nothing of its key lies before it.
 * C3. Freed pages are used again by later appends; beyond `KEPT_FREE_PAGES` and a quarter of the file they are given back to
 *     the disk. Under steady load with a retention the file therefore stops growing.
 */
import type { Catalog, PartitionRef, TopicRef } from './catalog.ts';
import type { Database } from './database.ts';
import { partitionBounds } from './fetch.ts';
import { BUCKET_BITS, recordsTable } from './layout.ts';

const SLICE_MS = 8;
/** Rows looked at by one step, and the bytes that it may free: freeing a large value reads all of its pages. */
const STEP_ROWS = 64;
const STEP_BYTES = 1024 * 1024;
const KEPT_FREE_PAGES = 1_024;
const VACUUM_PAGES = 64;

/** How many records went. */
export async function cleanLog(db: Database, catalog: Catalog, now: number): Promise<number> {
  let removed = 0;
  const topics = await db.read(() => [...catalog.refresh().values()]);
  for (const topic of topics) {
    for (const ref of topic.refs) removed += await cleanPartition(db, topic, ref, now);
  }
  await giveBackPages(db);
  return removed;
}

async function cleanPartition(
  db: Database,
  topic: TopicRef,
  ref: PartitionRef,
  now: number,
): Promise<number> {
  const cutoff = topic.retentionMs === null ? null : now - topic.retentionMs;
  if (topic.cleanup === 'delete') {
    return cutoff === null ? 0 : inSlices(db, () => removeExpired(db, ref, cutoff));
  }
  const compacted = await inSlices(db, (end) => compact(db, ref, end));
  const buried = cutoff === null ? 0 : await inSlices(db, () => removeTombstones(db, ref, cutoff));
  return compacted + buried;
}

interface Step {
  readonly removed: number;
  readonly done: boolean;
}

/** Repeats a small step until it is done; the steps of one slice share a transaction and stop at about `end`. */
async function inSlices(db: Database, step: (end: number) => Step): Promise<number> {
  let removed = 0;
  for (let done = false; !done; ) {
    const slice = await db.transact(() => {
      const end = performance.now() + SLICE_MS;
      let sum = 0;
      let last: Step;
      do {
        last = step(end);
        sum += last.removed;
      } while (!last.done && performance.now() < end);
      return { sum, done: last.done };
    });
    removed += slice.sum;
    done = slice.done;
  }
  return removed;
}

/** Append times never go back along a partition, so what has expired is a prefix. */
function removeExpired(db: Database, ref: PartitionRef, cutoff: number): Step {
  const table = recordsTable(ref.id);
  const rows = db
    .statement(`SELECT o, a, coalesce(length(v), 0) FROM ${table} ORDER BY o LIMIT ${STEP_ROWS}`)
    .all() as unknown as [offset: number, appendedAt: number, bytes: number][];
  let removed = 0;
  let bytes = 0;
  let last = -1;
  for (const [offset, appendedAt, size] of rows) {
    if (appendedAt >= cutoff || bytes > STEP_BYTES) break;
    removed++;
    bytes += size;
    last = offset;
  }
  if (removed === 0) return { removed, done: true };
  db.statement(`DELETE FROM ${table} WHERE o <= ?`).run(last);
  db.statement('UPDATE partitions SET start_offset = ? WHERE id = ?').run(last + 1, ref.id);
  const firstBucket = Math.floor((last + 1) / 2 ** BUCKET_BITS);
  db.statement('DELETE FROM buckets WHERE partition_id = ? AND bucket < ?').run(ref.id, firstBucket);
  return { removed, done: false };
}

/** Goes over what was appended since the last time; each record removes the earlier ones of its key. */
function compact(db: Database, ref: PartitionRef, end: number): Step {
  const table = recordsTable(ref.id);
  const state = db.statement('SELECT compacted_offset FROM partitions WHERE id = ?').get(ref.id);
  const from = (state as unknown as [number])[0];
  const rows = db
    .statement(`SELECT o, k FROM ${table} WHERE o >= ? ORDER BY o LIMIT ${STEP_ROWS}`)
    .all(from) as unknown as [number, Uint8Array][];
  const remove = db.statement(
    `DELETE FROM ${table} WHERE o IN (SELECT o FROM ${table} WHERE k = ? AND o < ? ORDER BY o LIMIT 8)`,
  );
  let removed = 0;
  let reached = from;
  for (const [offset, key] of rows) {
    const changes = Number(remove.run(key, offset).changes);
    removed += changes;
    reached = changes === 8 ? offset : offset + 1; // This record again: there may be more before it.
    if (changes === 8 || performance.now() > end) break;
  }
  const done = rows.length < STEP_ROWS && reached > (rows.at(-1)?.[0] ?? -1);
  if (done) reached = partitionBounds(db, ref).end;
  if (reached > from)
    db.statement('UPDATE partitions SET compacted_offset = ? WHERE id = ?').run(reached, ref.id);
  return { removed, done };
}

function removeTombstones(db: Database, ref: PartitionRef, cutoff: number): Step {
  const table = recordsTable(ref.id);
  const { changes } = db
    .statement(
      `DELETE FROM ${table} WHERE o IN (SELECT o FROM ${table} WHERE v IS NULL AND a < ?
         AND o < (SELECT compacted_offset FROM partitions WHERE id = ?) ORDER BY o LIMIT ${STEP_ROWS})`,
    )
    .run(cutoff, ref.id);
  return { removed: Number(changes), done: Number(changes) < STEP_ROWS };
}

async function giveBackPages(db: Database): Promise<void> {
  const surplus = await db.read(() => {
    const free = pragmaNumber(db, 'freelist_count');
    return free - Math.max(KEPT_FREE_PAGES, Math.floor(pragmaNumber(db, 'page_count') / 4));
  });
  for (let left = surplus; left > 0; left -= VACUUM_PAGES) {
    await db.read(() => db.raw.exec(`PRAGMA incremental_vacuum(${Math.min(left, VACUUM_PAGES)})`));
  }
}

function pragmaNumber(db: Database, name: string): number {
  const [value] = db.statement(`PRAGMA ${name}`).get() as unknown as [number];
  return value;
}
