/**
 * The object store on S3, or on any server that speaks its protocol. Many processes may share a bucket.
 *
 * Rights that the credentials need: `s3:ListBucket` on the buckets (without it S3 answers 403, not 404, for an object that
 * is not there), `s3:GetObject` where media lies, `s3:GetObject`, `s3:PutObject` and `s3:DeleteObject` below the store's
 * prefix; with versioning `s3:GetObjectVersion` and `s3:DeleteObjectVersion` too.
 */
import { S3Client } from '@aws-sdk/client-s3';
import { FirstFiveError } from '../../core/errors.ts';
import type { ObjectStore } from '../../stages/object-store.ts';
import { Artefacts } from './artefacts.ts';
import { BlockPool } from './block-pool.ts';
import type { RetryPolicy } from './bounded.ts';
import { keyIn, locate } from './locate.ts';
import { type ResolvedS3Options, resolveS3Options, type S3StoreOptions } from './options.ts';
import { openPinned, type ReadingParts } from './pinned-s3-object.ts';
import { RequestCounters, type S3Stats } from './request-counters.ts';
import { S3Requests } from './requests.ts';
import { StoreProbe } from './store-probe.ts';

export interface S3ObjectStore extends ObjectStore {
  /**
   * Writes (once), reads and thereby proves that the store can be used; for start-up and `doctor`. `STORE_UNAVAILABLE` or
   * `CONFIG_INVALID` where it cannot.
   */
  check(signal?: AbortSignal): Promise<void>;
  stats(): S3Stats;
  /** Closes idle connections. Objects still open fail from then on. */
  close(): Promise<void>;
}

/** Key of the object that `check` writes. */
const PROBE_KEY = '.firstfive/probe';
const PROBE_BYTES = new TextEncoder().encode('FirstFive could write here.\n');

export function openS3Store(given: S3StoreOptions): S3ObjectStore {
  const options = resolveS3Options(given);
  const client = clientOf(options);
  const counters = new RequestCounters();
  const requests = new S3Requests(client, options, counters);
  const probe = new StoreProbe(requests, options);
  const pool = new BlockPool(options.limits);
  const retry = retryPolicy(options, counters);
  const artefacts = new Artefacts({ requests, retry, probe });
  const reading: ReadingParts = { requests, probe, pool, counters, retry, limits: options.limits };
  const regionKnown = once(() => requireRegion(client));
  const located = async (key: string) => {
    const location = keyIn({ bucket: options.bucket, prefix: options.prefix }, key);
    await regionKnown();
    return location;
  };
  return {
    async open(uri, signal) {
      signal?.throwIfAborted();
      const target = locate(uri, options.mediaPlaces);
      if (target.kind === 'file') return openFile(options, uri, signal);
      await regionKnown();
      return openPinned(reading, { uri, location: { bucket: target.bucket, key: target.key } }, signal);
    },
    get: async (key, signal) => artefacts.get(await located(key), signal),
    putIfAbsent: async (key, bytes, signal) => artefacts.putIfAbsent(await located(key), bytes, signal),
    delete: async (key) => artefacts.delete(await located(key)),
    async check(signal) {
      const probed = await located(PROBE_KEY);
      await artefacts.putIfAbsent(probed, PROBE_BYTES, signal);
      await artefacts.get(probed, signal);
    },
    stats: () => counters.snapshot(pool.bytes),
    close: async () => client.destroy(),
  };
}

function openFile({ files }: ResolvedS3Options, uri: string, signal?: AbortSignal) {
  if (files !== undefined) return files.open(uri, signal);
  if (uri.startsWith('/'))
    throw new FirstFiveError('MEDIA_FORBIDDEN', 'the key is not a plain path below the prefix');
  throw new FirstFiveError('MEDIA_URI_INVALID', 'this store opens no file: addresses');
}

/** One attempt for each call: retries are ours, since the SDK's do not cover the reading of bodies. */
function clientOf(options: ResolvedS3Options): S3Client {
  const { region, endpoint, credentials, pathStyle, limits } = options;
  const agent = { keepAlive: true, maxSockets: limits.maxRequests };
  return new S3Client({
    maxAttempts: 1,
    forcePathStyle: pathStyle,
    // Ranges have no checksums, and whole objects carry our own.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: limits.connectTimeoutMs, httpAgent: agent, httpsAgent: agent },
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  });
}

async function requireRegion(client: S3Client): Promise<void> {
  try {
    await client.config.region();
  } catch (cause) {
    throw new FirstFiveError('CONFIG_INVALID', 'the S3 store has no region: set AWS_REGION', { cause });
  }
}

function retryPolicy({ clock, random, limits }: ResolvedS3Options, counters: RequestCounters): RetryPolicy {
  return { clock, random, ...limits, onRetry: () => counters.retried() };
}

/** A promise that failed is tried again by the next caller. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work().catch((thrown: unknown) => {
      done = undefined;
      throw thrown;
    });
    return done;
  };
}
