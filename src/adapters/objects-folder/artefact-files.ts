/**
 * Objects written by key.
 *
 * W1. An object appears whole or not at all: it is written and synced under a name of its own in `.incoming`, then linked
 *     to its key, which fails when the key is taken. The folder is synced after it.
 * W2. The folder of a key, with all symbolic links followed, lies below the root.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, realpath, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FirstFiveError } from '../../core/errors.ts';
import { isWithin, openConfined } from './confine.ts';
import { fileErrorCode, toStoreError } from './file-errors.ts';
import { keyPath } from './locate.ts';

const INCOMING = '.incoming';
/** Longer than any write takes: what is older was left by a process that died. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

export async function getObject(root: string, key: string, signal?: AbortSignal): Promise<Uint8Array> {
  try {
    const { handle } = await openConfined(keyPath(key, root), key, [root]);
    try {
      signal?.throwIfAborted();
      const { size } = await handle.stat();
      const bytes = await handle.readFile();
      if (bytes.byteLength !== size)
        throw new FirstFiveError('MEDIA_CHANGED', `${key} was changed while it was read`);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    if (isMissing(thrown))
      throw new FirstFiveError('ARTEFACT_MISSING', `there is no object ${key}`, { cause: thrown });
    throw toStoreError(thrown, key);
  }
}

/** False when the key was there already. */
export async function putObject(root: string, key: string, bytes: Uint8Array): Promise<boolean> {
  const path = keyPath(key, root);
  if (key === INCOMING || key.startsWith(`${INCOMING}/`)) {
    throw new FirstFiveError('MEDIA_FORBIDDEN', `keys below ${INCOMING} are the store's own`);
  }
  try {
    if (await exists(path)) return false;
    await mkdir(dirname(path), { recursive: true });
    await requireInside(root, dirname(path), key); // W2
    return await linkWhole(root, path, bytes);
  } catch (thrown) {
    throw toStoreError(thrown, key);
  }
}

export async function deleteObject(root: string, key: string): Promise<boolean> {
  const path = keyPath(key, root);
  try {
    await requireInside(root, dirname(path), key);
    await unlink(path);
    return true;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    if (fileErrorCode(thrown) === 'EISDIR' || fileErrorCode(thrown) === 'EPERM') {
      throw new FirstFiveError('MEDIA_NOT_A_FILE', `${key} is not an object`, { cause: thrown });
    }
    throw toStoreError(thrown, key);
  }
}

/** Removes what processes that died left unfinished. */
export async function sweepIncoming(root: string, now: number): Promise<void> {
  const folder = join(root, INCOMING);
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const stats = await stat(path).catch(() => undefined);
    if (stats !== undefined && now - stats.mtimeMs > ABANDONED_MS) await unlink(path).catch(() => {});
  }
}

async function linkWhole(root: string, path: string, bytes: Uint8Array): Promise<boolean> {
  const incoming = join(root, INCOMING);
  await mkdir(incoming, { recursive: true });
  const temporary = join(incoming, randomUUID());
  try {
    await writeSynced(temporary, bytes);
    await link(temporary, path); // W1
    await syncFolder(dirname(path));
    return true;
  } catch (thrown) {
    if (fileErrorCode(thrown) === 'EEXIST') return false;
    throw thrown;
  } finally {
    await unlink(temporary).catch(() => {});
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function requireInside(root: string, folder: string, key: string): Promise<void> {
  const [realRoot, real] = await Promise.all([realpath(root), realpath(folder)]);
  if (!isWithin(real, [realRoot])) {
    throw new FirstFiveError('MEDIA_FORBIDDEN', `the key ${JSON.stringify(key)} leads out of the store`);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function isMissing(thrown: unknown): boolean {
  return fileErrorCode(thrown) === 'ENOENT' || fileErrorCode(thrown) === 'ENOTDIR';
}
