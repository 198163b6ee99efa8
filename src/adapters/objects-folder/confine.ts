/**
 * Opens a file that must lie under one of some roots.
 *
 * P1. Real paths are compared: a symbolic link out of a root is refused, one that stays inside is followed.
 * P2. The file that was opened is checked again by its descriptor: swapping a folder for a link between the check and the
 *     opening (or the file itself, which is opened without following links) gains nothing.
 * P3. Only regular files: opening a device may act on it, opening a pipe may wait for ever.
 * P4. Outside the roots nothing is told, not even whether a file exists.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { FirstFiveError } from '../../core/errors.ts';
import { fileErrorCode } from './file-errors.ts';

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

export interface OpenedFile {
  readonly handle: FileHandle;
  /** Without any symbolic link. */
  readonly realPath: string;
}

/** `roots: undefined` allows any file. Throws `MEDIA_FORBIDDEN`, `MEDIA_NOT_A_FILE`, or the operating system's error. */
export async function openConfined(
  path: string,
  uri: string,
  roots: readonly string[] | undefined,
): Promise<OpenedFile> {
  const realRoots = roots === undefined ? undefined : await realPaths(roots);
  const real = await realPathWithin(
    path,
    uri,
    roots === undefined ? undefined : [...roots, ...(realRoots ?? [])],
  );
  if (realRoots !== undefined && !isWithin(real, realRoots)) throw forbidden(uri); // P1
  const before = await lstat(real, { bigint: true });
  if (!before.isFile()) throw notAFile(uri); // P3
  const handle = await open(real, FLAGS);
  try {
    const after = await handle.stat({ bigint: true });
    if (!after.isFile()) throw notAFile(uri);
    const opened = await pathOfDescriptor(handle, real);
    if (realRoots !== undefined && !isWithin(opened, realRoots)) throw forbidden(uri); // P2
    return { handle, realPath: real };
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

export function isWithin(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep));
}

/** Roots that do not exist (yet) allow nothing. */
async function realPaths(roots: readonly string[]): Promise<string[]> {
  const real = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)));
  return real.filter((root) => root !== undefined);
}

async function realPathWithin(
  path: string,
  uri: string,
  roots: readonly string[] | undefined,
): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    const inside =
      roots === undefined ||
      isWithin(
        resolve(path),
        roots.map((root) => resolve(root)),
      );
    if (!inside && fileErrorCode(thrown) !== 'EMFILE') throw forbidden(uri); // P4
    throw thrown;
  }
}

/** Where the kernel says that an open file lies; without /proc, what its path means now. */
async function pathOfDescriptor(handle: FileHandle, path: string): Promise<string> {
  try {
    return await readlink(`/proc/self/fd/${handle.fd}`);
  } catch {
    return realpath(path);
  }
}

function forbidden(uri: string): FirstFiveError {
  return new FirstFiveError('MEDIA_FORBIDDEN', `${uri} lies outside the folders that media may be read from`);
}

function notAFile(uri: string): FirstFiveError {
  return new FirstFiveError('MEDIA_NOT_A_FILE', `${uri} is not a regular file`);
}
