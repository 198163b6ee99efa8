/** The messages between the decoder (parent) and a decode child. Payloads are named in the comments. */
import type { ErrorCode, ErrorKind } from '../../core/errors.ts';
import type {
  DecodeLimits,
  ExtractionPlan,
  FrameTarget,
  MediaProbe,
  Signals,
} from '../../core/extraction.ts';

/** Deliberate faults, for tests of the supervision. A child obeys them only when it was started with `FAULTS_ARGUMENT`. */
export type Fault = 'segv' | 'kill' | 'hang' | 'exit' | 'memory';
export const FAULTS_ARGUMENT = '--obey-faults';

export interface ExtractMessage {
  readonly type: 'extract';
  readonly id: number;
  /** Opened by the child itself; without it the child asks for ranges with `read`. */
  readonly path?: string;
  readonly sizeBytes: number;
  readonly plan: ExtractionPlan;
  readonly limits: DecodeLimits;
  /** Whether unneeded frames may be skipped where that is exact. */
  readonly sparse: boolean;
  /** Whether the answer carries an MD5 of every answering frame's native planes. */
  readonly planeHashes: boolean;
  readonly fault?: Fault;
}

/** Payload: the bytes of the range asked for; `failed`: the store's error stays with the parent. */
export interface RangeMessage {
  readonly type: 'range';
  readonly readId: number;
  readonly failed: boolean;
}

export type ToChild = ExtractMessage | RangeMessage;

export interface ReadyMessage {
  readonly type: 'ready';
  readonly build: string;
  readonly rssBytes: number;
}

/** The child has the upload: from here on, its death is this upload's attempt. */
export interface TakenMessage {
  readonly type: 'taken';
  readonly id: number;
}

export interface ReadMessage {
  readonly type: 'read';
  readonly id: number;
  readonly readId: number;
  readonly offset: number;
  readonly length: number;
}

/** Payload: the pixels, then the samples. */
export interface ResultMessage {
  readonly type: 'result';
  readonly id: number;
  readonly rssBytes: number;
  readonly probe: MediaProbe;
  readonly video: VideoHeader | null;
  readonly audio: { readonly sampleRate: number; readonly samples: number } | null;
  readonly signals: Signals;
  readonly timings: Readonly<Record<string, number>>;
  readonly facts: DecodeFacts;
}

export interface VideoHeader {
  readonly width: number;
  readonly height: number;
  readonly targets: readonly FrameTarget[];
}

/** What the decode did, for tests and benchmarks. */
export interface DecodeFacts {
  readonly packets: number;
  readonly decodedFrames: number;
  readonly sparse: boolean;
  /** MD5 of the packed native planes of each distinct answering frame, when asked for. */
  readonly planeHashes?: readonly string[];
}

export interface FailureMessage {
  readonly type: 'failure';
  readonly id: number;
  readonly rssBytes: number;
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly message: string;
  /** True when a range could not be had: the parent rethrows what its store threw. */
  readonly readFailed: boolean;
}

export type FromChild = ReadyMessage | TakenMessage | ReadMessage | ResultMessage | FailureMessage;

/** File descriptor of the child on which it answers; standard output belongs to whatever native code prints. */
export const ANSWER_FD = 3;
