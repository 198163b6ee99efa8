/**
 * The table of latest emissions in a local SQLite file, so that memory stays flat however many uploads there have been.
 *
 * It is a cache of the ranking topic (see `runtime/latest-table.ts`): losing the file, or its last writes in a power cut,
 * costs a longer catch-up and nothing else. Hence `synchronous = OFF`, and a file that cannot be read is made anew.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { FirstFiveError } from '../../core/errors.ts';
import { partitionKey } from '../../core/record.ts';
import type { LatestTable } from '../../runtime/latest-table.ts';

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = OFF;
  CREATE TABLE IF NOT EXISTS latest (
    id TEXT PRIMARY KEY, revision INTEGER NOT NULL, tier INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS applied (
    partition TEXT PRIMARY KEY, next_offset TEXT NOT NULL
  ) WITHOUT ROWID;
`;

/** One process at a time: the file belongs to one replica slot of one stage. */
export function openSqliteTable(path: string): LatestTable {
  const database = openOrReplace(path);
  const get = database.prepare('SELECT revision, tier FROM latest WHERE id = ?');
  const put = database.prepare('INSERT OR REPLACE INTO latest VALUES (?, ?, ?)');
  const remove = database.prepare('DELETE FROM latest WHERE id = ?');
  const appliedUpTo = database.prepare('SELECT next_offset FROM applied WHERE partition = ?');
  const setApplied = database.prepare('INSERT OR REPLACE INTO applied VALUES (?, ?)');
  return {
    get(id) {
      const row = get.get(id);
      return row === undefined ? undefined : { revision: Number(row.revision), tier: Number(row.tier) };
    },
    apply(changes, applied) {
      if (changes.length === 0 && applied === undefined) return;
      database.exec('BEGIN');
      for (const change of changes) {
        if ('removed' in change) remove.run(change.id);
        else put.run(change.id, change.revision, change.tier);
      }
      if (applied !== undefined) setApplied.run(partitionKey(applied), String(applied.offset));
      database.exec('COMMIT');
    },
    appliedUpTo(topic, partition) {
      const row = appliedUpTo.get(partitionKey({ topic, partition }));
      return row === undefined ? undefined : BigInt(String(row.next_offset));
    },
    clear: () => database.exec('BEGIN; DELETE FROM latest; DELETE FROM applied; COMMIT'),
    close: () => database.close(),
  };
}

function openOrReplace(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  try {
    return open(path);
  } catch {
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  }
  try {
    return open(path);
  } catch (cause) {
    throw new FirstFiveError('LOG_UNAVAILABLE', `cannot open the table of latest emissions at ${path}`, {
      cause,
    });
  }
}

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(SCHEMA);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}
