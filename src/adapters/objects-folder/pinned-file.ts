/** An opened file whose bytes must not change while it is open (O1). */
import type { FileHandle } from 'node:fs/promises';
import { FirstFiveError } from '../../core/errors.ts';
import { fileEtag } from '../../core/file-etag.ts';
import type { PinnedObject } from '../../stages/object-store.ts';
import type { OpenedFile } from './confine.ts';
import { toStoreError } from './file-errors.ts';

export async function pinFile({ handle, realPath }: OpenedFile, uri: string): Promise<PinnedObject> {
  const stats = await handle.stat({ bigint: true });
  const etag = fileEtag(stats);
  return {
    uri,
    sizeBytes: Number(stats.size),
    etag,
    localPath: realPath,
    read: (offset, length, signal) =>
      readPinned({ handle, uri, etag, size: Number(stats.size) }, { offset, length }, signal),
    close: () => handle.close(),
  };
}

interface Pinned {
  readonly handle: FileHandle;
  readonly uri: string;
  readonly etag: string;
  readonly size: number;
}

interface Range {
  readonly offset: number;
  readonly length: number;
}

async function readPinned(
  pinned: Pinned,
  { offset, length }: Range,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new FirstFiveError('INTERNAL', `no range of an object: ${length} bytes from ${offset}`);
  }
  const bytes = new Uint8Array(Math.max(0, Math.min(length, pinned.size - offset)));
  try {
    for (let filled = 0; filled < bytes.length; ) {
      signal?.throwIfAborted();
      const { bytesRead } = await pinned.handle.read(bytes, filled, bytes.length - filled, offset + filled);
      if (bytesRead === 0) throw changed(pinned.uri);
      filled += bytesRead;
    }
    // After the bytes: a change before them shows here, and one after them is the next read's business.
    if (fileEtag(await pinned.handle.stat({ bigint: true })) !== pinned.etag) throw changed(pinned.uri);
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    throw toStoreError(thrown, pinned.uri);
  }
  return bytes;
}

function changed(uri: string): FirstFiveError {
  return new FirstFiveError('MEDIA_CHANGED', `${uri} was changed while it was read`);
}
