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
import { limitsFor, planUnion } from '../../core/plan/union.ts';
import type { DecodeRequest, Decoder, UnionRequest } from '../../stages/extract/decoder.ts';
import { NO_SANDBOX, type Sandbox } from '../../stages/extract/sandbox.ts';
import type { Decoded } from './child-messages.ts';
import { ChildPool } from './pool.ts';
import type { DecodeFacts, Fault } from './protocol.ts';

export interface LibavDecoderOptions {
  /** Children that run side by side; default: the processors that this process may use, at most 8. */
  readonly children?: number;
  readonly startTimeoutMs?: number;
  /** A child is replaced after so many uploads ... */
  readonly recycleAfterUploads?: number;
  /** ... or when, idle, it holds so many bytes more than when it was new. */
  readonly recycleAfterGrowthBytes?: number;
  /** ... or when it has worked for so long, which keeps it under its limit of CPU time. */
  readonly recycleAfterBusyMs?: number;
  /** The wall that children run behind (`openSandbox` of process-sandbox); default: none. */
  readonly sandbox?: Sandbox;
  /** Behind a wall: folders whose files children open themselves. Other files reach them through this process. */
  readonly readable?: readonly string[];
  /** Whether unneeded frames are skipped where that is exact (sparse.ts); default true. */
  readonly sparse?: boolean;
  /** Tests only: the fault that the child commits on a request. Children obey only where this is given. */
  readonly faults?: (request: DecodeRequest) => Fault | undefined;
}

interface Ask {
  /** Asks for the MD5 of the answering frames' native planes. */
  readonly planeHashes?: boolean;
  readonly signal?: AbortSignal;
}

export interface LibavDecoder extends Decoder {
  extractAll: NonNullable<Decoder['extractAll']>;
  /** `extract`, with what the decode did. */
  decode(
    request: DecodeRequest,
    ask?: Ask,
  ): Promise<{ readonly extraction: Extraction; readonly facts: DecodeFacts }>;
  /** Process ids of the children that are alive. */
  pids(): readonly number[];
}

const DEFAULTS = {
  startTimeoutMs: 20_000,
  recycleAfterUploads: 5_000,
  recycleAfterGrowthBytes: 512 * 1024 ** 2,
  recycleAfterBusyMs: 3_600_000,
};

/** Starts the children and waits for the first. Fails with `DECODER_UNAVAILABLE` where node-av cannot be loaded. */
export async function createLibavDecoder(options: LibavDecoderOptions = {}): Promise<LibavDecoder> {
  const pool = new ChildPool({
    ...DEFAULTS,
    ...definedOnly(options),
    children: options.children ?? Math.min(8, availableParallelism()),
    sandbox: options.sandbox ?? NO_SANDBOX,
    readable: options.readable ?? [],
    obeyFaults: options.faults !== undefined,
  });
  const build = await pool.start();
  const sparse = options.sparse ?? true;

  function decode({ object, plans, limits }: UnionRequest, ask: Ask = {}): Promise<Decoded> {
    refuseBySize({ object, limits });
    const request = { object, plans, limits: limitsFor(planUnion(plans), limits) };
    const [plan] = plans;
    if (plan === undefined) throw new FirstFiveError('INTERNAL', 'no plan to decode for');
    const fault = options.faults?.({ object, plan, limits });
    return pool.run({ request, sparse, planeHashes: ask.planeHashes ?? false, fault }, ask.signal);
  }

  async function decodeOne({ object, plan, limits }: DecodeRequest, ask?: Ask) {
    const { extractions, facts } = await decode({ object, plans: [plan], limits }, ask);
    const [extraction] = extractions;
    if (extraction === undefined) throw new FirstFiveError('INTERNAL', 'the decode child gave no extraction');
    return { extraction, facts };
  }

  return {
    build,
    decode: decodeOne,
    async extract(request, signal): Promise<Extraction> {
      const { extraction } = await decodeOne(request, signal === undefined ? {} : { signal });
      return extraction;
    },
    async extractAll(request, signal) {
      const { extractions } = await decode(request, signal === undefined ? {} : { signal });
      return extractions;
    },
    pids: () => pool.pids(),
    close: () => pool.close(),
  };
}

function refuseBySize({ object, limits }: Pick<UnionRequest, 'object' | 'limits'>): void {
  if (object.sizeBytes === 0) throw new FirstFiveError('MEDIA_EMPTY', 'the object has no bytes');
  if (object.sizeBytes > limits.maxInputBytes) {
    throw new FirstFiveError('MEDIA_TOO_LARGE', `more than ${limits.maxInputBytes} bytes`);
  }
}

type Tuning = typeof DEFAULTS;

function definedOnly(options: Partial<Tuning>): Partial<Tuning> {
  const names = Object.keys(DEFAULTS) as (keyof Tuning)[];
  return Object.fromEntries(
    names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}
