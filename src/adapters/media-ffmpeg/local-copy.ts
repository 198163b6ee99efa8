/**
 * A path that ffmpeg can open: the object's own, or a private temporary copy of an object that has none. The own path may mean
 * another file by the time that ffmpeg opens it: `verify` fails with `MEDIA_CHANGED` then, before and after the runs.
 */
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FirstFiveError } from '../../core/errors.ts';
import { fileEtag } from '../../core/file-etag.ts';
import type { PinnedObject } from '../../stages/object-store.ts';

/** ffmpeg needs to seek, and has no way to ask for ranges: larger remote objects are media-libav's work. */
const MAX_COPY_BYTES = 1024 ** 3;
const RANGE_BYTES = 4 * 1024 ** 2;

export interface LocalCopy {
  readonly path: string;
  verify(): Promise<void>;
  remove(): Promise<void>;
}

export async function localCopy(object: PinnedObject, signal: AbortSignal): Promise<LocalCopy> {
  const { localPath, etag } = object;
  if (localPath !== undefined) {
    await verifyFile(localPath, etag);
    return { path: localPath, verify: () => verifyFile(localPath, etag), remove: async () => {} };
  }
  if (object.sizeBytes > MAX_COPY_BYTES) {
    throw new FirstFiveError(
      'MEDIA_TOO_LARGE',
      `more than ${MAX_COPY_BYTES} bytes cannot be copied for ffmpeg`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-media-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'object');
    await copy(object, path, signal);
    return { path, verify: async () => {}, remove };
  } catch (thrown) {
    await remove();
    throw thrown;
  }
}

async function verifyFile(path: string, etag: string): Promise<void> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found !== undefined && fileEtag(found) === etag) return;
  throw new FirstFiveError('MEDIA_CHANGED', 'the file is not the one that was pinned');
}

async function copy(object: PinnedObject, path: string, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for (let at = 0; at < object.sizeBytes; ) {
      const bytes = await object.read(at, RANGE_BYTES, signal);
      if (bytes.byteLength === 0)
        throw new FirstFiveError('MEDIA_CHANGED', 'the object is shorter than stated');
      await file.write(bytes);
      at += bytes.byteLength;
    }
  } finally {
    await file.close();
  }
}
