/** Topics and partitions, kept in memory: both are created by any process and never removed or resized. */
import { FirstFiveError } from '../../core/errors.ts';
import type { TopicSpec } from '../../runtime/log.ts';
import type { Database } from './database.ts';
import { createKeyIndexes, createRecordsTable } from './layout.ts';

export interface PartitionRef {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
}

export interface TopicRef extends TopicSpec {
  readonly refs: readonly PartitionRef[];
}

/** Kafka's rule for topic names. */
const TOPIC_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;
const MAX_PARTITIONS = 10_000;

type TopicRow = readonly [
  name: string,
  cleanup: TopicSpec['cleanup'],
  retentionMs: number | null,
  maxRecordBytes: number | null,
];

export class Catalog {
  readonly #db: Database;
  #topics: ReadonlyMap<string, TopicRef> = new Map();

  constructor(db: Database) {
    this.#db = db;
  }

  /** A topic that this process has not seen yet may have been created by another one: looked up once more, then refused. */
  topic(name: string): TopicRef {
    const known = this.#topics.get(name) ?? this.refresh().get(name);
    if (known === undefined) {
      throw new FirstFiveError('TOPIC_NOT_FOUND', `there is no topic ${name} in the log ${this.#db.path}`);
    }
    return known;
  }

  partition(topic: string, partition: number): PartitionRef {
    const ref = this.topic(topic).refs[partition];
    if (ref === undefined) {
      const count = this.topic(topic).refs.length;
      throw new FirstFiveError(
        'TOPIC_MISMATCH',
        `topic ${topic} has ${count} partitions; there is no partition ${partition}`,
      );
    }
    return ref;
  }

  refresh(): ReadonlyMap<string, TopicRef> {
    const refs = new Map<string, PartitionRef[]>();
    const partitions = this.#db
      .statement('SELECT id, topic, partition FROM partitions ORDER BY topic, partition')
      .all();
    for (const [id, topic, partition] of partitions as unknown as [number, string, number][]) {
      const list = refs.get(topic) ?? [];
      list.push({ id, topic, partition });
      refs.set(topic, list);
    }
    const topics = this.#db
      .statement('SELECT name, cleanup, retention_ms, max_record_bytes FROM topics ORDER BY name')
      .all();
    this.#topics = new Map(
      (topics as unknown as TopicRow[]).map(([name, cleanup, retentionMs, maxRecordBytes]) => {
        const own = refs.get(name) ?? [];
        const limit = maxRecordBytes === null ? {} : { maxRecordBytes };
        return [name, { name, partitions: own.length, cleanup, retentionMs, ...limit, refs: own }];
      }),
    );
    return this.#topics;
  }

  /** Inside a write transaction; `refresh` after it. Retention and clean-up follow the newest spec; the partition count cannot change. */
  ensure(specs: readonly TopicSpec[]): void {
    const known = this.refresh();
    for (const spec of specs) {
      requireValid(spec);
      const existing = known.get(spec.name);
      if (existing === undefined) this.#create(spec);
      else this.#update(existing, spec);
    }
  }

  #create(spec: TopicSpec): void {
    this.#db
      .statement('INSERT INTO topics VALUES (?, ?, ?, ?)')
      .run(spec.name, spec.cleanup, spec.retentionMs, spec.maxRecordBytes ?? null);
    const insert = this.#db.statement('INSERT INTO partitions (topic, partition) VALUES (?, ?)');
    for (let partition = 0; partition < spec.partitions; partition++) {
      const { lastInsertRowid } = insert.run(spec.name, partition);
      createRecordsTable(this.#db.raw, Number(lastInsertRowid), spec.cleanup === 'compact');
    }
  }

  #update(existing: TopicRef, spec: TopicSpec): void {
    if (existing.partitions !== spec.partitions) {
      throw new FirstFiveError(
        'TOPIC_MISMATCH',
        `topic ${spec.name} has ${existing.partitions} partitions and ${spec.partitions} are asked for; ` +
          'the count of an existing topic cannot change, since it decides where keys lie: use a new topic name or a new log',
      );
    }
    const { cleanup, retentionMs, maxRecordBytes } = spec;
    if (
      existing.cleanup === cleanup &&
      existing.retentionMs === retentionMs &&
      existing.maxRecordBytes === maxRecordBytes
    )
      return;
    this.#db
      .statement('UPDATE topics SET cleanup = ?, retention_ms = ?, max_record_bytes = ? WHERE name = ?')
      .run(cleanup, retentionMs, maxRecordBytes ?? null, spec.name);
    if (spec.cleanup === 'compact') for (const ref of existing.refs) createKeyIndexes(this.#db.raw, ref.id);
  }
}

function requireValid(spec: TopicSpec): void {
  if (!TOPIC_NAME.test(spec.name)) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      `${JSON.stringify(spec.name)} is not a topic name (letters, digits, . _ -; at most 249)`,
    );
  }
  if (!Number.isInteger(spec.partitions) || spec.partitions < 1 || spec.partitions > MAX_PARTITIONS) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      `topic ${spec.name}: partitions must be 1 to ${MAX_PARTITIONS}, not ${spec.partitions}`,
    );
  }
  if (spec.retentionMs !== null && !(Number.isSafeInteger(spec.retentionMs) && spec.retentionMs > 0)) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      `topic ${spec.name}: the retention must be a whole number of milliseconds above 0`,
    );
  }
  const { maxRecordBytes = 1 } = spec;
  if (!Number.isSafeInteger(maxRecordBytes) || maxRecordBytes < 1) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      `topic ${spec.name}: the largest record must be a whole number of bytes`,
    );
  }
}
