/** Options of the S3 store, resolved once: every default is filled in and every value is checked before anything connects. */
import { FirstFiveError } from '../../core/errors.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import type { ObjectStore } from '../../stages/object-store.ts';

/** A part of a bucket: the keys below `prefix`, or all of them when it is empty. */
export interface S3Place {
  readonly bucket: string;
  readonly prefix: string;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3StoreOptions extends S3Place {
  /** Default: the SDK's chain (`AWS_REGION`, the shared configuration file); `us-east-1` where an endpoint is given. */
  readonly region?: string;
  /** A server other than AWS, `http://127.0.0.1:8333`, say. */
  readonly endpoint?: string;
  /** `endpoint/bucket/key` in place of `bucket.endpoint/key`. Default: true where an endpoint is given. */
  readonly pathStyle?: boolean;
  /** Default: the SDK's chain (environment, shared files, web identity, container and instance roles). */
  readonly credentials?: S3Credentials;
  /** Further places that `s3:` uploads may be read from. The store's own place is always one. */
  readonly mediaPlaces?: readonly S3Place[];
  /** Opens `file:` uploads and absolute paths. Without it they are refused. */
  readonly files?: Pick<ObjectStore, 'open'>;
  readonly limits?: Partial<S3Limits>;
  readonly clock?: Clock;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random?: () => number;
}

export interface S3Limits {
  /** Unit of caching, and the size of the first request of an object. */
  readonly blockBytes: number;
  /** Cached blocks of all open objects together. */
  readonly cacheBytes: number;
  readonly cacheBytesPerObject: number;
  /** Longest range of one request. With `maxRequests` it bounds the bytes in flight. */
  readonly maxFetchBytes: number;
  /** A read that jumps to within this distance of the end (or 1/64 of the object) fetches the rest at once. */
  readonly tailBytes: number;
  readonly maxRequests: number;
  /** Attempts of one request, the first included. */
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly connectTimeoutMs: number;
  /** From sending a request to the head of its answer. */
  readonly responseTimeoutMs: number;
  /** Between two pieces of a body. */
  readonly idleTimeoutMs: number;
  /** A body that comes slower than this over `idleTimeoutMs` is given up; one that is sent gets time by it. */
  readonly minBytesPerSecond: number;
  /** One request with all its retries. */
  readonly operationTimeoutMs: number;
}

export const DEFAULT_S3_LIMITS: S3Limits = {
  blockBytes: 64 * 1024,
  cacheBytes: 64 * 1024 * 1024,
  cacheBytesPerObject: 8 * 1024 * 1024,
  maxFetchBytes: 1024 * 1024,
  tailBytes: 128 * 1024,
  maxRequests: 32,
  maxAttempts: 6,
  initialBackoffMs: 100,
  maxBackoffMs: 3_000,
  connectTimeoutMs: 3_000,
  responseTimeoutMs: 5_000,
  idleTimeoutMs: 5_000,
  minBytesPerSecond: 64 * 1024,
  operationTimeoutMs: 30_000,
};

export interface ResolvedS3Options extends Omit<S3StoreOptions, 'limits' | 'pathStyle'> {
  /** The store's own place first. */
  readonly mediaPlaces: readonly S3Place[];
  readonly pathStyle: boolean;
  readonly limits: S3Limits;
  readonly clock: Clock;
  readonly random: () => number;
}

export function resolveS3Options(options: S3StoreOptions): ResolvedS3Options {
  const region = options.region ?? (options.endpoint === undefined ? undefined : 'us-east-1');
  const own = checkedPlace(options);
  return Object.freeze({
    ...options,
    ...own,
    ...(region === undefined ? {} : { region }),
    ...(options.endpoint === undefined ? {} : { endpoint: checkedEndpoint(options.endpoint) }),
    pathStyle: options.pathStyle ?? options.endpoint !== undefined,
    mediaPlaces: [own, ...(options.mediaPlaces ?? []).map(checkedPlace)],
    limits: checkedLimits({ ...DEFAULT_S3_LIMITS, ...options.limits }),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  });
}

function checkedPlace({ bucket, prefix }: S3Place): S3Place {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw invalid(`${JSON.stringify(bucket)} is not the name of a bucket`);
  }
  const plain = prefix.replace(/\/+$/, '');
  if (plain !== '' && plain.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw invalid(`${JSON.stringify(prefix)} is not a plain prefix of keys`);
  }
  return { bucket, prefix: plain };
}

function checkedEndpoint(endpoint: string): string {
  if (URL.canParse(endpoint)) {
    const { protocol, username, password } = new URL(endpoint);
    if (/^https?:$/.test(protocol) && username === '' && password === '') return endpoint;
  }
  throw invalid('the S3 endpoint must be an http(s) URL without user and password');
}

function checkedLimits(limits: S3Limits): S3Limits {
  for (const [name, value] of Object.entries(limits)) {
    if (
      !Number.isSafeInteger(value) ||
      value < (name === 'tailBytes' || name.startsWith('cacheBytes') ? 0 : 1)
    ) {
      throw invalid(`${name} of the S3 store must be a positive whole number, not ${value}`);
    }
  }
  if (limits.maxFetchBytes < limits.blockBytes) throw invalid('maxFetchBytes is less than blockBytes');
  return limits;
}

function invalid(message: string): FirstFiveError {
  return new FirstFiveError('CONFIG_INVALID', message);
}
