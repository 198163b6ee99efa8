/**
 * Appends records to partitions, inside a write transaction of the caller.
 *
 * A1. Offsets come from the file, read under the write lock: another process may have appended meanwhile.
 * A2. Append times never go back within a partition, whatever the clock does: retention relies on it.
 */
import type { StatementSync } from 'node:sqlite';
import { FirstFiveError } from '../../core/errors.ts';
import { partitionForKey } from '../../core/murmur2.ts';
import { type OutputRecord, recordBytes } from '../../core/record.ts';
import type { PartitionOffset, TopicSpec } from '../../runtime/log.ts';
import type { Catalog, PartitionRef } from './catalog.ts';
import type { Database } from './database.ts';
import { encodeHeaders } from './header-bytes.ts';
import { BUCKET_BITS, recordsTable } from './layout.ts';

interface Tail {
  readonly ref: PartitionRef;
  readonly insert: StatementSync;
  readonly appendedAt: number;
  next: number;
  bucket: number;
  bucketMax: number;
}

const BUCKET_SIZE = 2 ** BUCKET_BITS;

export class Appender {
  readonly #db: Database;
  readonly #catalog: Catalog;
  readonly #maxRecordBytes: number;
  readonly #now: () => number;
  #sticky = 0;

  constructor(
    db: Database,
    catalog: Catalog,
    options: { readonly maxRecordBytes: number; readonly now: () => number },
  ) {
    this.#db = db;
    this.#catalog = catalog;
    this.#maxRecordBytes = options.maxRecordBytes;
    this.#now = options.now;
  }

  /** Returns where each record landed. Keyless records of one call stay together; the next call goes one partition further. */
  append(records: readonly OutputRecord[]): PartitionOffset[] {
    this.#sticky++;
    const tails = new Map<number, Tail>();
    const landed: PartitionOffset[] = [];
    for (const record of records) {
      const ref = this.#partitionOf(record);
      const tail = tails.get(ref.id) ?? this.#openTail(ref, tails);
      const offset = tail.next++;
      if (Math.floor(offset / BUCKET_SIZE) !== tail.bucket) this.#nextBucket(tail, offset);
      if (record.timestamp > tail.bucketMax) tail.bucketMax = record.timestamp;
      tail.insert.run(
        offset,
        record.timestamp,
        tail.appendedAt,
        record.key,
        record.value,
        encodeHeaders(record.headers),
      );
      landed.push({ topic: ref.topic, partition: ref.partition, offset: BigInt(offset) });
    }
    const advance = this.#db.statement('UPDATE partitions SET next_offset = ? WHERE id = ?');
    for (const tail of tails.values()) {
      this.#saveBucket(tail);
      advance.run(tail.next, tail.ref.id);
    }
    return landed;
  }

  #partitionOf(record: OutputRecord): PartitionRef {
    const topic = this.#catalog.topic(record.topic);
    this.#requireStorable(record, topic);
    if (record.partition !== undefined) return this.#catalog.partition(record.topic, record.partition);
    const partition =
      record.key === null ? this.#sticky % topic.partitions : partitionForKey(record.key, topic.partitions);
    return this.#catalog.partition(record.topic, partition);
  }

  #requireStorable(record: OutputRecord, topic: TopicSpec): void {
    const bytes = (record.key?.byteLength ?? 0) + (record.value?.byteLength ?? 0);
    if (bytes > this.#maxRecordBytes) throw tooLarge(record, bytes, this.#maxRecordBytes);
    if (topic.maxRecordBytes !== undefined && recordBytes(record) > topic.maxRecordBytes)
      throw tooLarge(record, recordBytes(record), topic.maxRecordBytes);
    if (topic.cleanup === 'compact' && record.key === null) {
      throw new FirstFiveError(
        'TOPIC_MISMATCH',
        `topic ${record.topic} is compacted and takes no records without a key`,
      );
    }
    if (!Number.isSafeInteger(record.timestamp)) {
      throw new FirstFiveError(
        'INTERNAL',
        `a record for ${record.topic} has the timestamp ${record.timestamp}`,
      );
    }
  }

  #openTail(ref: PartitionRef, tails: Map<number, Tail>): Tail {
    const table = recordsTable(ref.id);
    const state = this.#db
      .statement('SELECT next_offset FROM partitions WHERE id = ?')
      .get(ref.id) as unknown as [number];
    const last = this.#db.statement(`SELECT a FROM ${table} ORDER BY o DESC LIMIT 1`).get() as unknown as
      | [number]
      | undefined;
    const next = state[0];
    const tail: Tail = {
      ref,
      insert: this.#db.statement(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?)`),
      appendedAt: Math.max(Math.floor(this.#now()), last?.[0] ?? 0), // A2
      next,
      bucket: Math.floor(next / BUCKET_SIZE),
      bucketMax: -Infinity,
    };
    tails.set(ref.id, tail);
    return tail;
  }

  #nextBucket(tail: Tail, offset: number): void {
    this.#saveBucket(tail);
    tail.bucket = Math.floor(offset / BUCKET_SIZE);
    tail.bucketMax = -Infinity;
  }

  #saveBucket(tail: Tail): void {
    if (tail.bucketMax === -Infinity) return;
    this.#db
      .statement(
        `INSERT INTO buckets VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET max_timestamp = max(max_timestamp, excluded.max_timestamp)`,
      )
      .run(tail.ref.id, tail.bucket, tail.bucketMax);
  }
}

function tooLarge(record: OutputRecord, bytes: number, limit: number): FirstFiveError {
  return new FirstFiveError(
    'RECORD_TOO_LARGE',
    `a record of ${bytes} bytes for ${record.topic}, which takes ${limit}`,
  );
}
