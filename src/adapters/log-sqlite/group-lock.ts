/**
 * The lock of a consumer group: an EXCLUSIVE lock that SQLite holds on a side file for as long as the member lives. The
 * kernel drops it with the process, so a killed owner's group is free at once; no time-outs, no sockets, no stale files.
 *
 * Nothing may open and close a lock file but SQLite: POSIX drops all of a process's locks on a file with any of its
 * descriptors. The owner's pid is therefore kept in the log itself.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy, toLogError } from './sqlite-errors.ts';

export interface GroupLock {
  release(): void;
}

/** `undefined` when another member holds it, in this process or another one. */
export function tryLockGroup(logPath: string, groupId: string): GroupLock | undefined {
  const folder = `${logPath}-groups`;
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    db = new DatabaseSync(join(folder, lockFileName(groupId)));
    db.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    const held = db;
    return { release: () => held.isOpen && held.close() };
  } catch (thrown) {
    db?.close();
    if (isBusy(thrown)) return undefined;
    throw toLogError(thrown, folder);
  }
}

/** Readable where the group's name allows it, and different for different groups on any file system. */
function lockFileName(groupId: string): string {
  const digest = createHash('sha256').update(groupId).digest('hex').slice(0, 12);
  return `${groupId.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 100)}.${digest}.lock`;
}
