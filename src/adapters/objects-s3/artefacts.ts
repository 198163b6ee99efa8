/**
 * Objects of the store's own, by key.
 *
 * K1. `If-None-Match: *` makes the server decide which of several writers wins. A retry after a lost answer may meet its own
 *     object; a mark in the metadata tells it from another writer's.
 * K2. What is read is checked against the SHA-256 in its metadata, whatever server or proxy lies in between.
 * K3. A deletion in a bucket that keeps versions removes the version itself: a delete marker would leave the bytes, and
 *     erasure means that they are gone.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type RetryPolicy, retrying } from './bounded.ts';
import { S3Failure, toFailure } from './failure.ts';
import type { S3Location } from './locate.ts';
import type { ObjectHead } from './object-head.ts';
import type { S3Requests } from './requests.ts';
import { toStoreFailure } from './s3-errors.ts';
import type { StoreProbe } from './store-probe.ts';

const SHA256 = 'ff-sha256';
const WRITER = 'ff-writer';

export class Artefacts {
  readonly #requests: S3Requests;
  readonly #retry: RetryPolicy;
  readonly #probe: StoreProbe;

  constructor(parts: {
    readonly requests: S3Requests;
    readonly retry: RetryPolicy;
    readonly probe: StoreProbe;
  }) {
    this.#requests = parts.requests;
    this.#retry = parts.retry;
    this.#probe = parts.probe;
  }

  get(location: S3Location, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#guarded(location, signal, async () => {
      const bytes = await retrying(this.#retry, (inner) => this.#getOnce(location, inner), signal);
      this.#probe.good(location);
      return bytes;
    });
  }

  putIfAbsent(location: S3Location, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    const writer = randomUUID();
    const metadata = { [SHA256]: sha256(bytes), [WRITER]: writer };
    let lostAnswer = false;
    const attempt = async (inner: AbortSignal) => {
      try {
        await this.#requests.put({ ...location, bytes, metadata }, inner);
        return true;
      } catch (thrown) {
        const { kind } = toFailure(thrown);
        if (kind === 'transient') lostAnswer = true;
        if (kind !== 'precondition') throw thrown;
        // K1
        return lostAnswer && (await this.#requests.head(location, inner)).metadata[WRITER] === writer;
      }
    };
    return this.#guarded(location, signal, () => retrying(this.#retry, attempt, signal));
  }

  /** False when there was none. */
  delete(location: S3Location, signal?: AbortSignal): Promise<boolean> {
    const attempt = async (inner: AbortSignal) => {
      const head = await this.#headIfAny(location, inner);
      if (head === undefined) return false;
      await this.#requests.delete(location, head.versionId, inner); // K3
      return true;
    };
    return this.#guarded(location, signal, () => retrying(this.#retry, attempt, signal));
  }

  async #getOnce(location: S3Location, signal: AbortSignal): Promise<Uint8Array> {
    let head: ObjectHead | undefined;
    let bytes = Buffer.alloc(0);
    let filled = 0;
    const onHead = (answer: ObjectHead) => {
      head = answer;
      bytes = Buffer.alloc(answer.bodyBytes);
    };
    const onBytes = (piece: Uint8Array) => {
      bytes.set(piece, filled);
      filled += piece.byteLength;
    };
    await this.#requests.get(location, { onHead, onBytes }, signal);
    const expected = head?.metadata[SHA256];
    if (expected !== undefined && expected !== sha256(bytes)) {
      throw new S3Failure('transient', 'the bytes do not match their SHA-256');
    }
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  async #headIfAny(location: S3Location, signal: AbortSignal): Promise<ObjectHead | undefined> {
    try {
      return await this.#requests.head(location, signal);
    } catch (thrown) {
      if (toFailure(thrown).kind !== 'missing') throw thrown;
      // A HEAD does not say whether the object or the bucket is missing.
      await this.#requests.headBucket(location.bucket, signal).catch((cause: unknown) => {
        const { kind } = toFailure(cause);
        throw kind === 'missing' ? new S3Failure('bucket-missing', 'no such bucket', { cause }) : cause;
      });
      return undefined;
    }
  }

  async #guarded<T>(
    location: S3Location,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw await toStoreFailure(thrown, { location, probe: this.#probe, use: 'artefact', signal });
    }
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
