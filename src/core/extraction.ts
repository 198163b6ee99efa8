/**
 * What a bundle wants from the media, and what the decoder hands back.
 *
 * X1. t = 0 is the first decodable video frame's PTS. Each target takes the latest frame with PTS <= t, else the first.
 * X2. A frame that serves more than one target is repeated in the tensor and marked.
 * X3. One decoded frame is enough to score; a video stream that yields none is an error, even when audio plays.
 */
import type { SoundView } from './plan/sound-view.ts';
import type { FrameView } from './plan/view.ts';
import type { Interpolation } from './resample/interpolation.ts';

export interface VideoPlan {
  readonly select: { readonly rule: 'times'; readonly atMs: readonly number[] };
  readonly width: number;
  readonly height: number;
  /** `squash`: both axes scaled to fit, aspect ratio not kept (after rotation and sample aspect are applied). */
  readonly fit: 'squash';
  /** `bicubic` and `bilinear` are the decoder's own scaler, from the coded planes; the others take its native RGB. */
  readonly interpolation: 'bicubic' | 'bilinear' | Interpolation;
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
  /** The opening pictures: what the picture signals are measured on, and the graph input `frames`. */
  readonly video: VideoPlan;
  /** The opening sound: what the sound signals are measured on, and the graph input `wave`. */
  readonly audio: AudioPlan;
  /** Further pictures, by the name of the graph input that takes them. */
  readonly views?: Readonly<Record<string, FrameView>>;
  /** Further sound, by the name of the graph input that takes it. */
  readonly sounds?: Readonly<Record<string, SoundView>>;
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

/** A frame that a view shows. */
export interface ShownFrame {
  /** Among the frames of the view's window that count. */
  readonly index: number;
  /** Milliseconds after t = 0. */
  readonly ptsMs: number;
  /** True when an earlier place of the tensor shows the same frame. */
  readonly repeated: boolean;
}

/** Pictures of one view; `[groups, group size, height, width, 3]`, without the group size where frames stand alone. */
export type ExtractedView = {
  readonly dims: readonly number[];
  readonly frames: readonly ShownFrame[];
} & (
  | { readonly type: 'uint8'; readonly data: Uint8Array }
  | { readonly type: 'float32'; readonly data: Float32Array }
);

/** Signal name to value; `null` where the modality that it is made of is missing. */
export type Signals = Readonly<Record<string, number | null>>;

export interface Extraction {
  readonly probe: MediaProbe;
  readonly video: ExtractedVideo | null;
  readonly audio: ExtractedAudio | null;
  /** By the plan's names; those of a modality that is missing are left out. */
  readonly views?: Readonly<Record<string, ExtractedView>>;
  readonly sounds?: Readonly<Record<string, ExtractedAudio>>;
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
  /**
   * Pixels of all frames that may be decoded. What comes after is as if the file ended there: targets take the last frame
   * before. Not an error, and counted in pixels, so that a busy machine gives the same answer as an idle one.
   */
  readonly maxDecodedPixels: number;
  readonly maxPackets: number;
  readonly maxMemoryBytes: number;
  /** Of a plan's views, all together. */
  readonly maxViewBytes: number;
}

export const DEFAULT_DECODE_LIMITS: DecodeLimits = {
  deadlineMs: 8_000,
  maxInputBytes: 64 * 1024 ** 3,
  maxPixels: 8_192 * 8_192,
  maxDecodedFrames: 6_000,
  maxDecodedPixels: 4 * 1024 ** 3,
  maxPackets: 60_000,
  maxMemoryBytes: 2 * 1024 ** 3,
  maxViewBytes: 768 * 1024 ** 2,
};
