/** Ranges of a pinned object, with retries that go on at the first byte that has not come yet. */
import type { RangeReader } from './block-fetch.ts';
import { type RetryPolicy, retrying } from './bounded.ts';
import { S3Failure, toFailure } from './failure.ts';
import type { S3Location } from './locate.ts';
import type { ObjectHead } from './object-head.ts';
import type { Pin, S3Requests } from './requests.ts';
import { changed, toStoreFailure } from './s3-errors.ts';
import type { StoreProbe } from './store-probe.ts';

export interface RangeTarget {
  readonly uri: string;
  readonly location: S3Location;
  readonly pin: Pin;
  readonly size: number;
}

interface Parts {
  readonly requests: S3Requests;
  readonly probe: StoreProbe;
  readonly retry: RetryPolicy;
}

export function rangeReader({ requests, probe, retry }: Parts, target: RangeTarget): RangeReader {
  const { uri, location, size } = target;
  let pin = target.pin;
  const onHead = (head: ObjectHead) => {
    if (head.etag !== pin.etag || head.sizeBytes !== size) throw changed(uri, 'another ETag or size');
  };
  return async ({ start, end }, onBytes, signal) => {
    let position = start;
    const count = (bytes: Uint8Array) => {
      position += bytes.byteLength;
      onBytes(bytes);
    };
    const attempt = async (inner: AbortSignal) => {
      try {
        await requests.get(
          { ...location, range: { start: position, end }, pin },
          { onHead, onBytes: count },
          inner,
        );
      } catch (thrown) {
        if (pin.versionId === undefined || toFailure(thrown).kind !== 'denied') throw thrown;
        // Reading by version takes a right of its own (s3:GetObjectVersion). Without it If-Match still pins the bytes.
        pin = { etag: pin.etag };
        throw new S3Failure('transient', 'reading by version is not allowed', { cause: thrown });
      }
    };
    try {
      await retrying(retry, attempt, signal);
    } catch (thrown) {
      if (thrown instanceof S3Failure && (thrown.kind === 'missing' || thrown.kind === 'unsatisfiable')) {
        throw changed(uri, thrown.message); // It was there when it was opened.
      }
      throw await toStoreFailure(thrown, { location, probe, use: 'media', signal });
    }
  };
}
