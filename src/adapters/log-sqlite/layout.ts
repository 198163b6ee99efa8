/**
 * Layout of the file, versioned by `user_version`.
 *
 * Each partition is a table of its own: its rows are only ever appended at the end of its B-tree (full pages, no splits
 * in the middle). `o` offset, `t` event time, `a` append time (milliseconds), `k` key, `v` value, `h` headers.
 * `buckets` is a sparse index of event time: the highest one of each run of 2^BUCKET_BITS offsets.
 */
import type { DatabaseSync } from 'node:sqlite';
import { FirstFiveError } from '../../core/errors.ts';

export const LAYOUT_VERSION = 2;
/** 'FFLG': tells our files from other SQLite databases. */
const APPLICATION_ID = 0x46464c47;
export const BUCKET_BITS = 10;

const TABLES = `
  CREATE TABLE topics (
    name TEXT PRIMARY KEY, cleanup TEXT NOT NULL, retention_ms INTEGER, max_record_bytes INTEGER) WITHOUT ROWID;
  CREATE TABLE partitions (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    start_offset INTEGER NOT NULL DEFAULT 0, next_offset INTEGER NOT NULL DEFAULT 0,
    compacted_offset INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition));
  CREATE TABLE buckets (
    partition_id INTEGER NOT NULL, bucket INTEGER NOT NULL, max_timestamp INTEGER NOT NULL,
    PRIMARY KEY (partition_id, bucket)) WITHOUT ROWID;
  CREATE TABLE groups (
    group_id TEXT PRIMARY KEY, epoch INTEGER NOT NULL, commits INTEGER NOT NULL,
    owner_pid INTEGER NOT NULL, owner_slot TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE group_offsets (
    group_id TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
    PRIMARY KEY (group_id, topic, partition)) WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${LAYOUT_VERSION};`;

export function recordsTable(partitionId: number): string {
  return `records_${partitionId}`;
}

export function createRecordsTable(db: DatabaseSync, partitionId: number, compact: boolean): void {
  const table = recordsTable(partitionId);
  db.exec(
    `CREATE TABLE ${table} (o INTEGER PRIMARY KEY, t INTEGER NOT NULL, a INTEGER NOT NULL, k BLOB, v BLOB, h BLOB)`,
  );
  if (compact) createKeyIndexes(db, partitionId);
}

/** What compaction looks up: the earlier records of a key, and the tombstones. */
export function createKeyIndexes(db: DatabaseSync, partitionId: number): void {
  const table = recordsTable(partitionId);
  db.exec(`CREATE INDEX IF NOT EXISTS ${table}_keys ON ${table} (k, o);
    CREATE INDEX IF NOT EXISTS ${table}_tombstones ON ${table} (o) WHERE v IS NULL`);
}

/** From each layout to the next one. */
const UPGRADES: readonly string[] = ['ALTER TABLE topics ADD COLUMN max_record_bytes INTEGER'];

/** Creates, upgrades or checks the layout; inside a write transaction. Refuses other databases and newer layouts. */
export function prepareLayout(db: DatabaseSync, path: string): void {
  const applicationId = pragma(db, 'application_id');
  const version = pragma(db, 'user_version');
  if (applicationId === 0 && version === 0 && isEmpty(db)) {
    db.exec(TABLES);
    return;
  }
  if (applicationId !== APPLICATION_ID) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      `${path} is a database of another program; choose another path for the log`,
    );
  }
  if (version < 1 || version > LAYOUT_VERSION) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      `the log ${path} has layout ${version}, and this version of FirstFive reads layout ${LAYOUT_VERSION}; use the newer version`,
    );
  }
  for (const upgrade of UPGRADES.slice(version - 1)) db.exec(upgrade);
  if (version < LAYOUT_VERSION) db.exec(`PRAGMA user_version = ${LAYOUT_VERSION}`);
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
}
