/**
 * Opens media and pins it.
 *
 * O1. Every range carries `If-Match` with the ETag of the opening, and the version's id where the bucket keeps versions;
 *     the answer's ETag and size are compared too, for servers and caches that ignore the condition.
 * O2. Opening costs one request: the first block, whose answer names ETag and size. (A `HEAD` would be a second round trip,
 *     and its 403 and 404 do not say of what.)
 */
import type { PinnedObject } from '../../stages/object-store.ts';
import type { BlockPool } from './block-pool.ts';
import { type RetryPolicy, retrying } from './bounded.ts';
import { CachedObject } from './cached-object.ts';
import { S3Failure, toFailure } from './failure.ts';
import type { S3Location } from './locate.ts';
import type { ObjectHead } from './object-head.ts';
import type { S3Limits } from './options.ts';
import { rangeReader } from './range-reader.ts';
import type { RequestCounters } from './request-counters.ts';
import type { Pin, S3Requests } from './requests.ts';
import { type FailureContext, toStoreFailure } from './s3-errors.ts';
import type { StoreProbe } from './store-probe.ts';

export interface ReadingParts {
  readonly requests: S3Requests;
  readonly probe: StoreProbe;
  readonly pool: BlockPool;
  readonly counters: RequestCounters;
  readonly retry: RetryPolicy;
  readonly limits: S3Limits;
}

interface Opened {
  readonly pin: Pin;
  readonly size: number;
  readonly first: Uint8Array;
}

export async function openPinned(
  parts: ReadingParts,
  target: { readonly uri: string; readonly location: S3Location },
  signal?: AbortSignal,
): Promise<PinnedObject> {
  const { location, uri } = target;
  const context: FailureContext = { location, probe: parts.probe, use: 'media', signal };
  let opened: Opened;
  try {
    opened = await retrying(parts.retry, (inner) => openOnce(parts, location, inner), signal);
  } catch (thrown) {
    throw await toStoreFailure(thrown, context);
  }
  parts.probe.good(location);
  const { pin, size, first } = opened;
  const read = rangeReader(parts, { ...target, pin, size });
  const cached = new CachedObject({ size, read, pool: parts.pool, limits: parts.limits });
  cached.seed(first);
  return {
    uri,
    sizeBytes: size,
    etag: pin.etag.replace(/^(W\/)?"(.*)"$/, '$2'),
    read: async (offset, length, readSignal) => {
      const bytes = await cached.read(offset, length, readSignal);
      parts.counters.read(bytes.byteLength);
      return bytes;
    },
    close: async () => cached.close(),
  };
}

async function openOnce(parts: ReadingParts, location: S3Location, signal: AbortSignal): Promise<Opened> {
  const range = { start: 0, end: parts.limits.blockBytes };
  let head: ObjectHead | undefined;
  const pieces: Uint8Array[] = [];
  const onHead = (answer: ObjectHead) => {
    head = answer;
  };
  try {
    await parts.requests.get(
      { ...location, range },
      { onHead, onBytes: (bytes) => pieces.push(bytes) },
      signal,
    );
  } catch (thrown) {
    // An empty object has no first byte: 416 is how S3 says so.
    head = await emptyHead(parts, location, thrown, signal);
  }
  if (head === undefined) throw new S3Failure('transient', 'an answer without a head');
  return { pin: pinOf(head), size: head.sizeBytes, first: Buffer.concat(pieces) };
}

async function emptyHead(
  parts: ReadingParts,
  location: S3Location,
  thrown: unknown,
  signal: AbortSignal,
): Promise<ObjectHead> {
  if (toFailure(thrown).kind !== 'unsatisfiable') throw thrown;
  const head = await parts.requests.head(location, signal);
  if (head.sizeBytes > 0) throw new S3Failure('transient', 'the object grew while it was opened');
  return head;
}

function pinOf({ etag, versionId }: ObjectHead): Pin {
  return versionId === undefined ? { etag } : { etag, versionId };
}
