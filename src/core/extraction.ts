/**
 * What a bundle wants from the media, and what the decoder hands back.
 *
 * X1. t = 0 is the first decodable video frame's PTS. Each target takes the latest frame with PTS <= t, else the first.
 * X2. A frame that serves more than one target is repeated in the tensor and marked.
 * X3. One decoded frame is enough to score; a video stream that yields none is an error, even when audio plays.
 */

export interface VideoPlan {
  readonly select: { readonly rule: 'times'; readonly atMs: readonly number[] };
  readonly width: number;
  readonly height: number;
  /** `squash`: both axes scaled to fit, aspect ratio not kept (after rotation and sample aspect are applied). */
  readonly fit: 'squash';
  readonly interpolation: 'bicubic' | 'bilinear';
  readonly colour: 'rgb24';
}

export interface AudioPlan {
  readonly sampleRate: number;
  readonly channels: 1;
  readonly format: 'f32';
}

export interface ExtractionPlan {
  /** Milliseconds from t = 0: `[start, end)`. Nothing after the end is read on purpose. */
  readonly windowMs: readonly [start: number, end: number];
  readonly video: VideoPlan;
  readonly audio: AudioPlan;
}

/** A modality of the media that was looked for; `missing` in later records names those not found. */
export type MediaModality = 'video' | 'audio';

/** Facts from the container and the streams chosen, before anything is decoded. `null` = not stated by the file. */
export interface MediaProbe {
  readonly container: string;
  readonly sizeBytes: number;
  readonly durationMs: number | null;
  readonly bitRate: number | null;
  readonly video: VideoProbe | null;
  readonly audio: AudioProbe | null;
}

export interface VideoProbe {
  readonly codec: string;
  readonly pixelFormat: string;
  /** Coded size, before rotation and sample aspect. */
  readonly width: number;
  readonly height: number;
  /** Size as a viewer sees it: rotation and sample aspect applied. */
  readonly displayWidth: number;
  readonly displayHeight: number;
  /** Degrees clockwise that a player turns the picture by: 0, 90, 180 or 270. */
  readonly rotation: number;
  readonly mirrored: boolean;
  readonly frameRate: number | null;
  readonly still: boolean;
}

export interface AudioProbe {
  readonly codec: string;
  readonly sampleRate: number;
  readonly channels: number;
}

/** One target of the plan and the frame that answered it. */
export interface FrameTarget {
  readonly atMs: number;
  /** PTS of the frame, milliseconds after t = 0. */
  readonly ptsMs: number;
  /** True when an earlier target was answered by the same frame. */
  readonly repeated: boolean;
}

export interface ExtractedVideo {
  readonly width: number;
  readonly height: number;
  readonly targets: readonly FrameTarget[];
  /** uint8 `[targets, height, width, 3]`, RGB, tightly packed. */
  readonly pixels: Uint8Array;
}

export interface ExtractedAudio {
  readonly sampleRate: number;
  /** float32 mono in [-1, 1], from the window's start; shorter than the window when the sound ends early. */
  readonly samples: Float32Array;
}

/** Signal name to value; `null` where the modality that it is made of is missing. */
export type Signals = Readonly<Record<string, number | null>>;

export interface Extraction {
  readonly probe: MediaProbe;
  readonly video: ExtractedVideo | null;
  readonly audio: ExtractedAudio | null;
  readonly signals: Signals;
  /** Wall milliseconds by step (`open`, `decode`, `scale`, `signals`, ...), and CPU milliseconds as `cpu`. */
  readonly timings: Readonly<Record<string, number>>;
}

/** Ceilings for one upload. Exceeding any of them ends in `MEDIA_LIMIT` or `DECODE_TIMEOUT`. */
export interface DecodeLimits {
  readonly deadlineMs: number;
  readonly maxInputBytes: number;
  readonly maxPixels: number;
  readonly maxDecodedFrames: number;
  readonly maxPackets: number;
  readonly maxMemoryBytes: number;
}

export const DEFAULT_DECODE_LIMITS: DecodeLimits = {
  deadlineMs: 8_000,
  maxInputBytes: 64 * 1024 ** 3,
  maxPixels: 8_192 * 8_192,
  maxDecodedFrames: 6_000,
  maxPackets: 60_000,
  maxMemoryBytes: 2 * 1024 ** 3,
};
