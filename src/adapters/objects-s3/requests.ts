/**
 * Single requests to S3: each is one attempt, holds one of a bounded number of slots, and ends within its time limits.
 *
 * R1. No attempt outlives its signal: the request is aborted before the answer, and its body destroyed after it.
 * R2. Every wait has a limit: connection, answer head, and the body by `BodyWatch`.
 * R3. Bytes are counted as they come off the socket, whether or not the request ends well.
 */
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Slots } from '../../runtime/slots.ts';
import { BodyWatch } from './body-watch.ts';
import { withinTime } from './bounded.ts';
import { S3Failure } from './failure.ts';
import type { S3Location } from './locate.ts';
import { type ObjectHead, parseHead } from './object-head.ts';
import type { ResolvedS3Options } from './options.ts';
import type { RequestCounters } from './request-counters.ts';

/** The identity that every range of one extraction must come from. */
export interface Pin {
  /** As the server gave it, with its quotes. */
  readonly etag: string;
  readonly versionId?: string;
}

export interface GetRequest extends S3Location {
  /** Without it the whole object is asked for. `end` is exclusive. */
  readonly range?: { readonly start: number; readonly end: number };
  readonly pin?: Pin;
}

export interface GetHandlers {
  /** Called once, before any byte. What it throws ends the request. */
  readonly onHead: (head: ObjectHead) => void;
  readonly onBytes: (bytes: Uint8Array) => void;
}

export interface PutRequest extends S3Location {
  readonly bytes: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

export class S3Requests {
  readonly #client: S3Client;
  readonly #options: ResolvedS3Options;
  readonly #counters: RequestCounters;
  readonly #slots: Slots;

  constructor(client: S3Client, options: ResolvedS3Options, counters: RequestCounters) {
    this.#client = client;
    this.#options = options;
    this.#counters = counters;
    this.#slots = new Slots(options.limits.maxRequests);
  }

  get(request: GetRequest, handlers: GetHandlers, signal: AbortSignal): Promise<void> {
    const { bucket, key, range, pin } = request;
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
      ...(pin === undefined ? {} : { IfMatch: pin.etag }),
      ...(pin?.versionId === undefined ? {} : { VersionId: pin.versionId }),
    });
    return this.#attempt('GET', signal, async (send) => {
      const output = await send((abortSignal) => this.#client.send(command, { abortSignal }));
      if (!(output.Body instanceof Readable)) throw new S3Failure('unusable', 'an answer without a body');
      try {
        const head = parseHead(output, range);
        handlers.onHead(head);
        await this.#drain(output.Body, head.bodyBytes, handlers.onBytes, signal);
      } finally {
        output.Body.destroy(); // R1
      }
    });
  }

  head({ bucket, key }: S3Location, signal: AbortSignal): Promise<ObjectHead> {
    const command = new HeadObjectCommand({ Bucket: bucket, Key: key });
    return this.#attempt('HEAD', signal, async (send) =>
      parseHead(await send((abortSignal) => this.#client.send(command, { abortSignal })), undefined),
    );
  }

  async headBucket(bucket: string, signal: AbortSignal): Promise<void> {
    const command = new HeadBucketCommand({ Bucket: bucket });
    await this.#attempt('HEAD', signal, (send) =>
      send((abortSignal) => this.#client.send(command, { abortSignal })),
    );
  }

  /** Fails with `precondition` when the key is taken. The SDK adds a CRC32, which the server checks. */
  async put({ bucket, key, bytes, metadata }: PutRequest, signal: AbortSignal): Promise<void> {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: bytes,
      IfNoneMatch: '*',
      ContentType: 'application/octet-stream',
      Metadata: { ...metadata },
    });
    const extraMs = this.#rateMs(bytes.byteLength);
    await this.#attempt('PUT', signal, async (send) => {
      await send((abortSignal) => this.#client.send(command, { abortSignal }), extraMs);
      this.#counters.stored(bytes.byteLength);
    });
  }

  async delete(
    { bucket, key }: S3Location,
    versionId: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const version = versionId === undefined ? {} : { VersionId: versionId };
    const command = new DeleteObjectCommand({ Bucket: bucket, Key: key, ...version });
    await this.#attempt('DELETE', signal, (send) =>
      send((abortSignal) => this.#client.send(command, { abortSignal })),
    );
  }

  /** `send` limits the time to the answer's head; a body is limited as it is read. */
  #attempt<T>(what: string, signal: AbortSignal, work: (send: Send) => Promise<T>): Promise<T> {
    const { clock, limits } = this.#options;
    return this.#slots.run(async () => {
      const ended = this.#counters.started();
      const send: Send = (request, extraMs = 0) =>
        withinTime({ clock, timeoutMs: limits.responseTimeoutMs + extraMs, what, signal }, request);
      try {
        const result = await work(send);
        ended('ok');
        return result;
      } catch (thrown) {
        ended('failed');
        throw thrown;
      }
    }, signal);
  }

  async #drain(
    body: Readable,
    expected: number,
    onBytes: (bytes: Uint8Array) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const stop = () => body.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    signal.addEventListener('abort', stop, { once: true });
    const watch = new BodyWatch(this.#options.clock, this.#options.limits, (why) =>
      body.destroy(new S3Failure('transient', why)),
    );
    let received = 0;
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        watch.came(chunk.byteLength);
        received += chunk.byteLength;
        this.#counters.fetched(chunk.byteLength); // R3
        if (received > expected) throw new S3Failure('transient', 'more bytes than were announced');
        onBytes(chunk);
      }
    } finally {
      watch.end();
      signal.removeEventListener('abort', stop);
    }
    signal.throwIfAborted();
    if (received < expected) throw new S3Failure('transient', `${received} of ${expected} bytes came`);
  }

  #rateMs(bytes: number): number {
    return Math.ceil((bytes * 1000) / this.#options.limits.minBytesPerSecond);
  }
}

type Send = <T>(request: (signal: AbortSignal) => Promise<T>, extraMs?: number) => Promise<T>;
