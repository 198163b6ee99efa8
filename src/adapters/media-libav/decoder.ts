/**
 * The decoder on libav: a pool of supervised child processes behind the `Decoder` port.
 *
 * B1. One upload is one child's only work; its crash, time-out or memory limit fails that upload and no other.
 * B2. A child that ended is replaced; one that grew or served long is replaced while idle.
 * B3. Nothing is tried twice here: retries belong to the runtime.
 */
import { availableParallelism } from 'node:os';
import { FirstFiveError } from '../../core/errors.ts';
import type { Extraction } from '../../core/extraction.ts';
import type { DecodeRequest, Decoder } from '../../stages/extract/decoder.ts';
import type { Decoded } from './child-messages.ts';
import { ChildPool } from './pool.ts';
import type { Fault } from './protocol.ts';

export interface LibavDecoderOptions {
  /** Children that run side by side; default: the processors that this process may use, at most 8. */
  readonly children?: number;
  readonly startTimeoutMs?: number;
  /** A child is replaced after so many uploads ... */
  readonly recycleAfterUploads?: number;
  /** ... or when, idle, it holds so many bytes more than when it was new. */
  readonly recycleAfterGrowthBytes?: number;
  /** Whether unneeded frames are skipped where that is exact (sparse.ts); default true. */
  readonly sparse?: boolean;
  /** Tests only: the fault that the child commits on a request. Children obey only where this is given. */
  readonly faults?: (request: DecodeRequest) => Fault | undefined;
}

export interface LibavDecoder extends Decoder {
  /** `extract`, with what the decode did; `planeHashes` asks for the MD5 of the answering frames' native planes. */
  decode(
    request: DecodeRequest,
    options?: { readonly planeHashes?: boolean; readonly signal?: AbortSignal },
  ): Promise<Decoded>;
  /** Process ids of the children that are alive. */
  pids(): readonly number[];
}

const DEFAULTS = {
  startTimeoutMs: 20_000,
  recycleAfterUploads: 5_000,
  recycleAfterGrowthBytes: 512 * 1024 ** 2,
};

/** Starts the children and waits for the first. Fails with `DECODER_UNAVAILABLE` where node-av cannot be loaded. */
export async function createLibavDecoder(options: LibavDecoderOptions = {}): Promise<LibavDecoder> {
  const pool = new ChildPool({
    ...DEFAULTS,
    ...definedOnly(options),
    children: options.children ?? Math.min(8, availableParallelism()),
    obeyFaults: options.faults !== undefined,
  });
  const build = await pool.start();
  const sparse = options.sparse ?? true;

  function decode(request: DecodeRequest, ask: { planeHashes?: boolean; signal?: AbortSignal } = {}) {
    refuseBySize(request);
    const fault = options.faults?.(request);
    return pool.run({ request, sparse, planeHashes: ask.planeHashes ?? false, fault }, ask.signal);
  }

  return {
    build,
    async decode(request, ask) {
      return decode(request, ask);
    },
    async extract(request, signal): Promise<Extraction> {
      const { extraction } = await decode(request, signal === undefined ? {} : { signal });
      return extraction;
    },
    pids: () => pool.pids(),
    close: () => pool.close(),
  };
}

function refuseBySize({ object, limits }: DecodeRequest): void {
  if (object.sizeBytes === 0) throw new FirstFiveError('MEDIA_EMPTY', 'the object has no bytes');
  if (object.sizeBytes > limits.maxInputBytes) {
    throw new FirstFiveError('MEDIA_TOO_LARGE', `more than ${limits.maxInputBytes} bytes`);
  }
}

function definedOnly({ startTimeoutMs, recycleAfterUploads, recycleAfterGrowthBytes }: LibavDecoderOptions) {
  return {
    ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
    ...(recycleAfterUploads === undefined ? {} : { recycleAfterUploads }),
    ...(recycleAfterGrowthBytes === undefined ? {} : { recycleAfterGrowthBytes }),
  };
}
