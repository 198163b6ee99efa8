/** A path that ffmpeg can open: the object's own, or a private temporary copy of an object that has none. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FirstFiveError } from '../../core/errors.ts';
import type { PinnedObject } from '../../stages/object-store.ts';

/** ffmpeg needs to seek, and has no way to ask for ranges: larger remote objects are media-libav's work. */
const MAX_COPY_BYTES = 1024 ** 3;
const RANGE_BYTES = 4 * 1024 ** 2;

export interface LocalCopy {
  readonly path: string;
  remove(): Promise<void>;
}

export async function localCopy(object: PinnedObject, signal: AbortSignal): Promise<LocalCopy> {
  if (object.localPath !== undefined) return { path: object.localPath, remove: async () => {} };
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
    return { path, remove };
  } catch (thrown) {
    await remove();
    throw thrown;
  }
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
