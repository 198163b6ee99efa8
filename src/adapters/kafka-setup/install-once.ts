/**
 * Folders that are made once, by whichever process comes first, and never seen half made.
 *
 * I1. What is made lies in a sibling folder until it is complete and takes its place by a rename.
 * I2. The lock is one that SQLite holds on a file: the kernel drops it with the process, so `kill -9` leaves no stale lock.
 * I3. The key names all that the content depends on; a folder with another key is made anew.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

export interface Installation {
  /** Absolute folder. */
  readonly dir: string;
  readonly key: string;
  /** Fills the empty folder it is given. What it throws is thrown on, and the folder is removed. */
  make(freshDir: string): Promise<void>;
  /** Told once when another process is at work on the same folder. */
  readonly onWaiting?: () => void;
}

const KEY_FILE = '.installed';
const RETRY_MS = 200;
const SQLITE_BUSY = 5;

/** True when it was made now, false when it was there already. */
export async function installOnce(installation: Installation): Promise<boolean> {
  if (await isInstalled(installation)) return false;
  await mkdir(dirname(installation.dir), { recursive: true });
  const unlock = await lock(`${installation.dir}.lock`, installation.onWaiting ?? (() => {}));
  try {
    if (await isInstalled(installation)) return false;
    await makeFresh(installation);
    return true;
  } finally {
    unlock();
  }
}

export async function isInstalled({ dir, key }: Pick<Installation, 'dir' | 'key'>): Promise<boolean> {
  return (await readFile(join(dir, KEY_FILE), 'utf8').catch(() => undefined)) === key;
}

async function makeFresh({ dir, key, make }: Installation): Promise<void> {
  const fresh = `${dir}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  try {
    await make(fresh);
  } catch (thrown) {
    await rm(fresh, { recursive: true, force: true });
    throw thrown;
  }
  await writeFile(join(fresh, KEY_FILE), key);
  await rm(dir, { recursive: true, force: true });
  await rename(fresh, dir);
}

/** I2. Resolves once the lock is held; the function returned gives it back. */
async function lock(path: string, onWaiting: () => void): Promise<() => void> {
  for (let tries = 0; ; tries++) {
    const db = new DatabaseSync(path);
    try {
      db.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      return () => db.close();
    } catch (thrown) {
      db.close();
      if (!isBusy(thrown)) throw thrown;
    }
    if (tries === 1) onWaiting();
    await delay(RETRY_MS);
  }
}

function isBusy(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    'errcode' in thrown &&
    typeof thrown.errcode === 'number' &&
    (thrown.errcode & 0xff) === SQLITE_BUSY
  );
}
