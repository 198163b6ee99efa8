/**
 * What a bundle may ask of a video beyond its opening pictures: views. A view is a rule that selects frames, a rule that fits
 * them into a tensor, and the interpolation between. docs/specs/extraction-plan.md walks through the published systems.
 *
 * N1. Rules by index count the frames of the view's window: T = frames whose time lies in it. "The whole file" is a window
 *     as long as the bundle can afford; there is no unbounded one.
 * N2. Every rule selects from T >= 1 frames, whatever T is: short videos repeat frames, as the rule's source does.
 * N3. Nothing is random: where a published system draws an offset, the middle of the range is taken.
 */
import type { Interpolation } from '../resample/interpolation.ts';

export type WindowMs = readonly [start: number, end: number];

/** T: frames in the window; fps: the track's average frame rate. Division truncates where its source truncates. */
export type FrameSelection =
  /** The latest frame at or before each time, milliseconds after t = 0. */
  | { readonly rule: 'times'; readonly atMs: readonly number[] }
  /** Frame trunc(i fps) for i < `count`; when T < count fps, `count` frames from 0 to T - 1, evenly, truncated. */
  | { readonly rule: 'second-starts'; readonly count: number }
  /** The frames with index mod round(fps) = trunc(round(fps) / 2), the first `count`; the last one repeated. */
  | { readonly rule: 'second-middles'; readonly count: number }
  /** `frames` frames from round(fps) i on, i < `count`, one group each; frames past the end repeat the last, groups the last group. */
  | { readonly rule: 'second-runs'; readonly count: number; readonly frames: number }
  /** round(s i + s / 2 + 1e-6) with s = (T - 1) / count. */
  | { readonly rule: 'segment-middles'; readonly count: number }
  /** Middles of `count` stretches between evenly spaced whole frames from 0 to T. */
  | { readonly rule: 'stretch-middles'; readonly count: number }
  /** `count` frames from 0 to T - 1, evenly, rounded; the first `take` of them. */
  | { readonly rule: 'even'; readonly count: number; readonly take?: number }
  /** `even`, with the count paced by duration: T / fps x `perSecond`, within [`min`, `max`] and T, down to a multiple. */
  | {
      readonly rule: 'paced';
      readonly perSecond: number;
      readonly min: number;
      readonly max: number;
      readonly multipleOf: number;
      readonly take?: number;
    }
  /** `count` groups of `frames` frames `stride` apart, from the middle of each T-th part; indices wrap round at T. */
  | {
      readonly rule: 'segment-runs';
      readonly count: number;
      readonly frames: number;
      readonly stride: number;
    }
  /**
   * Every frame but the last `dropLast`, in groups of `chunk`. A rest of more than `tailOver` frames becomes one more group,
   * made of the last `chunk` frames; a smaller rest is dropped. `maxFrames` of the window are used at most.
   */
  | {
      readonly rule: 'dense';
      readonly chunk: number;
      readonly tailOver: number;
      readonly dropLast: number;
      readonly maxFrames: number;
    };

export type Fit =
  /** Both axes scaled to the size, aspect not kept. */
  | { readonly rule: 'squash'; readonly width: number; readonly height: number }
  /** The shorter side scaled to `side`, aspect kept, then `width` x `height` cut from the middle (torchvision). */
  | { readonly rule: 'cover'; readonly side: number; readonly width: number; readonly height: number }
  /** Scaled to fit inside, aspect kept, centred, the rest filled with one grey. */
  | { readonly rule: 'letterbox'; readonly width: number; readonly height: number; readonly fill: number }
  /** Nearest size whose sides are multiples, with the number of pixels in a range, aspect about kept (Qwen2.5-VL). */
  | {
      readonly rule: 'multiples';
      readonly multipleOf: number;
      readonly minPixels: number;
      readonly maxPixels: number;
    }
  /** The frame's own size; beyond `maxLongerSide`, scaled down to it, aspect kept. */
  | { readonly rule: 'native'; readonly maxLongerSide: number }
  /** `grid` x `grid` crops of `size` x `size` native pixels, side by side (DOVER). Too small frames are enlarged first. */
  | { readonly rule: 'fragments'; readonly grid: number; readonly size: number }
  /** Laplacian pyramid of `levels` - 1 details, each back at the frame's size (ModularBVQA). */
  | {
      readonly rule: 'pyramid';
      readonly levels: number;
      readonly minSide: number;
      readonly maxLongerSide: number;
    };

export interface FrameView {
  readonly select: FrameSelection;
  readonly fit: Fit;
  readonly interpolation: Interpolation;
  readonly colour: 'rgb24' | 'bgr24';
  /** `float32`: 0 .. 255, neither rounded nor limited; of `squash` by a `torch-bilinear` or `torch-bicubic` only. */
  readonly tensor: 'uint8' | 'float32';
  /** `transpose`: rows and columns of a picture wider than high are exchanged before it is scaled. */
  readonly landscape?: 'transpose';
  /** Default: the plan's window. */
  readonly windowMs?: WindowMs;
}

/** Frames per row of the view's tensor: 1 where frames stand alone. */
export function groupSize(select: FrameSelection): number {
  switch (select.rule) {
    case 'second-runs':
    case 'segment-runs':
      return select.frames;
    case 'dense':
      return select.chunk;
    default:
      return 1;
  }
}

/** Pictures that one frame becomes. */
export function picturesPerFrame(fit: Fit): number {
  return fit.rule === 'pyramid' ? fit.levels - 1 : 1;
}
