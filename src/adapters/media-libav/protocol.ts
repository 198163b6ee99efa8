/** The messages between the decoder (parent) and a decode child. Payloads are named in the comments. */
import type { ErrorCode, ErrorKind } from '../../core/errors.ts';
import type {
  DecodeLimits,
  ExtractionPlan,
  FrameTarget,
  MediaProbe,
  ShownFrame,
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
  /** Of the pinned object; `fileEtag` of the file at `path`. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** One extraction each; decoded once. */
  readonly plans: readonly ExtractionPlan[];
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

/** Payload: the parts, in order. */
export interface ResultMessage {
  readonly type: 'result';
  readonly id: number;
  readonly rssBytes: number;
  readonly probe: MediaProbe;
  /** In the order of the plans. */
  readonly members: readonly MemberHeader[];
  readonly parts: readonly PartHeader[];
  readonly timings: Readonly<Record<string, number>>;
  readonly facts: DecodeFacts;
}

/** One extraction, with the indices of its parts in place of bytes. */
export interface MemberHeader {
  readonly video: VideoHeader | null;
  readonly audio: SoundHeader | null;
  readonly views: Readonly<Record<string, ViewHeader>>;
  readonly sounds: Readonly<Record<string, SoundHeader>>;
  readonly signals: Signals;
}

export interface PartHeader {
  readonly type: 'uint8' | 'float32';
  readonly bytes: number;
}

export interface VideoHeader {
  readonly width: number;
  readonly height: number;
  readonly targets: readonly FrameTarget[];
  readonly part: number;
}

export interface ViewHeader {
  readonly dims: readonly number[];
  readonly frames: readonly ShownFrame[];
  readonly part: number;
}

export interface SoundHeader {
  readonly sampleRate: number;
  readonly part: number;
}

/** What the decode did, for tests and benchmarks. */
export interface DecodeFacts {
  readonly packets: number;
  readonly decodedFrames: number;
  /** How often the file was read: more than once where an attempt was not exact. */
  readonly attempts: number;
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

/** File descriptor of the child that its parent holds open and never uses: it closes when the parent is gone. */
export const LIFELINE_FD = 4;
