/** Plans with views and sounds of every rule, for decoder tests. */
import type { ExtractionPlan } from '../../src/core/extraction.ts';
import type { FrameView } from '../../src/core/plan/view.ts';
import { FIVE_SECONDS } from './media-objects.ts';

const SQUASH = { rule: 'squash', width: 56, height: 48 } as const;

function view(select: FrameView['select'], rest: Partial<FrameView> = {}): FrameView {
  return { select, fit: SQUASH, interpolation: 'pil-bicubic', colour: 'rgb24', tensor: 'uint8', ...rest };
}

/** Every selection rule, small tensors. */
export const EVERY_RULE: ExtractionPlan = {
  ...FIVE_SECONDS,
  views: {
    times: view(
      { rule: 'times', atMs: [0, 1000, 2000, 3000, 4000] },
      { fit: { ...SQUASH, width: 224, height: 224 } },
    ),
    starts: view({ rule: 'second-starts', count: 4 }),
    middles: view({ rule: 'second-middles', count: 4 }, { interpolation: 'torch-bilinear' }),
    runs: view({ rule: 'second-runs', count: 2, frames: 8 }, { interpolation: 'pil-bilinear' }),
    segments: view({ rule: 'segment-middles', count: 5 }, { windowMs: [0, 8000] }),
    stretches: view({ rule: 'stretch-middles', count: 6 }, { interpolation: 'torch-nearest' }),
    even: view({ rule: 'even', count: 5, take: 3 }, { windowMs: [1000, 4000] }),
    paced: view({ rule: 'paced', perSecond: 1, min: 4, max: 16, multipleOf: 2, take: 8 }),
    fragments: view(
      { rule: 'segment-runs', count: 2, frames: 4, stride: 2 },
      { fit: { rule: 'fragments', grid: 3, size: 16 } },
    ),
    dense: view(
      { rule: 'dense', chunk: 16, tailOver: 3, dropLast: 1, maxFrames: 2000 },
      { windowMs: [0, 2000] },
    ),
  },
  sounds: {
    tail: { sampleRate: 16_000, resampler: 'swr', scale: 's16/32768', windowMs: [3000, 6000] },
  },
};

/** Every fit, and the sounds that are cut or resampled in other ways. */
export const EVERY_FIT: ExtractionPlan = {
  ...FIVE_SECONDS,
  windowMs: [0, 3000],
  video: {
    ...FIVE_SECONDS.video,
    select: { rule: 'times', atMs: [500, 2500] },
    interpolation: 'pil-bicubic',
  },
  views: {
    cover: view(
      { rule: 'times', atMs: [0, 900] },
      { fit: { rule: 'cover', side: 64, width: 64, height: 60 } },
    ),
    letterbox: view(
      { rule: 'times', atMs: [0] },
      { fit: { rule: 'letterbox', width: 64, height: 64, fill: 128 } },
    ),
    multiples: view(
      { rule: 'times', atMs: [400] },
      { fit: { rule: 'multiples', multipleOf: 28, minPixels: 4_000, maxPixels: 20_000 }, colour: 'bgr24' },
    ),
    native: view({ rule: 'times', atMs: [100] }, { fit: { rule: 'native', maxLongerSide: 200 } }),
    pyramid: view(
      { rule: 'even', count: 2 },
      {
        fit: { rule: 'pyramid', levels: 4, minSide: 60, maxLongerSide: 200 },
        interpolation: 'cv2-cubic',
        colour: 'bgr24',
      },
    ),
    floats: view(
      { rule: 'dense', chunk: 16, tailOver: 3, dropLast: 0, maxFrames: 40 },
      { interpolation: 'torch-bicubic', tensor: 'float32', landscape: 'transpose' },
    ),
  },
  sounds: {
    whole: { sampleRate: 16_000, resampler: 'fft', scale: 's16/32767' },
    stretches: {
      sampleRate: 16_000,
      resampler: 'swr',
      scale: 'float',
      stretches: { count: 4, lengthMs: 500 },
      padToMs: 3000,
    },
  },
};
