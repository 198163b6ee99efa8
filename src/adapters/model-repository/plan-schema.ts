/** The extraction plan of `bundle.json`, strictly; docs/specs/extraction-plan.md explains every field. */
import { z } from 'zod';
import { DEFAULT_DECODE_LIMITS, type ExtractionPlan } from '../../core/extraction.ts';
import { maxViewBytes } from '../../core/plan/budget.ts';
import type { SoundView } from '../../core/plan/sound-view.ts';
import type { FrameView, WindowMs } from '../../core/plan/view.ts';
import { INTERPOLATION_NAMES, INTERPOLATIONS } from '../../core/resample/interpolation.ts';

const MAX_WINDOW_MS = 600_000;
/** The Fourier transform of a longer window takes seconds. */
const MAX_FFT_WINDOW_MS = 60_000;

const size = z.int().min(1).max(4_096);
const count = z.int().min(1).max(512);
const windowMs = z
  .tuple([z.int().min(0), z.int().min(1).max(MAX_WINDOW_MS)])
  .refine(([start, end]) => end > start, 'must not be empty');
const atMs = z.array(z.int().min(0).max(MAX_WINDOW_MS)).min(1).max(256);
const sampleRate = z.int().min(8_000).max(192_000);

const select = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('times'), atMs }),
  z.strictObject({ rule: z.literal('second-starts'), count }),
  z.strictObject({ rule: z.literal('second-middles'), count }),
  z.strictObject({ rule: z.literal('second-runs'), count, frames: count }),
  z.strictObject({ rule: z.literal('segment-middles'), count }),
  z.strictObject({ rule: z.literal('stretch-middles'), count }),
  z.strictObject({ rule: z.literal('even'), count, take: count.exactOptional() }),
  z
    .strictObject({
      rule: z.literal('paced'),
      perSecond: z.number().gt(0).max(60),
      min: count,
      max: count,
      multipleOf: count,
      take: count.exactOptional(),
    })
    .refine(({ min, max }) => min <= max, 'min exceeds max'),
  z.strictObject({
    rule: z.literal('segment-runs'),
    count,
    frames: count,
    stride: z.int().min(1).max(64),
  }),
  z
    .strictObject({
      rule: z.literal('dense'),
      chunk: z.int().min(1).max(256),
      tailOver: z.int().min(0),
      dropLast: z.int().min(0).max(16),
      maxFrames: z.int().min(1).max(20_000),
    })
    .refine(({ chunk, tailOver }) => tailOver < chunk, 'tailOver must be below chunk'),
]);

const maxLongerSide = z.int().min(32).max(4_096);
const fit = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('squash'), width: size, height: size }),
  z
    .strictObject({ rule: z.literal('cover'), side: size, width: size, height: size })
    .refine(({ side, width, height }) => width <= side && height <= side, 'the cut is larger than side'),
  z.strictObject({ rule: z.literal('letterbox'), width: size, height: size, fill: z.int().min(0).max(255) }),
  z
    .strictObject({
      rule: z.literal('multiples'),
      multipleOf: z.int().min(1).max(256),
      minPixels: z.int().min(1),
      maxPixels: z.int().max(4_096 ** 2),
    })
    .refine(({ minPixels, maxPixels }) => minPixels <= maxPixels, 'minPixels exceeds maxPixels'),
  z.strictObject({ rule: z.literal('native'), maxLongerSide }),
  z.strictObject({
    rule: z.literal('fragments'),
    grid: z.int().min(1).max(32),
    size: z.int().min(1).max(256),
  }),
  z.strictObject({
    rule: z.literal('pyramid'),
    levels: z.int().min(3).max(8),
    minSide: z.int().min(8).max(512),
    maxLongerSide,
  }),
]);

const view = z
  .strictObject({
    select,
    fit,
    interpolation: z.enum(INTERPOLATION_NAMES),
    colour: z.enum(['rgb24', 'bgr24']),
    tensor: z.enum(['uint8', 'float32']),
    landscape: z.literal('transpose').exactOptional(),
    windowMs: windowMs.exactOptional(),
  })
  .superRefine((value, context) => {
    for (const message of viewProblems(value)) context.addIssue({ code: 'custom', message });
  });

function* viewProblems({ tensor, interpolation, fit: { rule } }: FrameView): Generator<string> {
  if (tensor === 'float32' && (rule !== 'squash' || INTERPOLATIONS[interpolation].arithmetic !== 'float-32'))
    yield 'a float32 tensor is of squash by torch-bilinear or torch-bicubic only';
  if (rule === 'pyramid' && interpolation !== 'cv2-cubic') yield 'a pyramid is of cv2-cubic';
}

const sound = z
  .strictObject({
    sampleRate,
    resampler: z.enum(['swr', 'fft']),
    scale: z.enum(['float', 's16/32768', 's16/32767']),
    stretches: z
      .strictObject({ count: z.int().min(1).max(64), lengthMs: z.int().min(10).max(60_000) })
      .exactOptional(),
    padToMs: z.int().min(1).max(MAX_WINDOW_MS).exactOptional(),
    windowMs: windowMs.exactOptional(),
  })
  .refine(
    ({ stretches, padToMs }) =>
      stretches === undefined || stretches.count * stretches.lengthMs <= (padToMs ?? MAX_WINDOW_MS),
    'the stretches are longer than padToMs',
  );

const NAME = /^[a-z][a-z0-9_]{0,31}$/;
const TAKEN = ['frames', 'wave', 'samples'];

export const extractionPlan = z
  .strictObject({
    windowMs,
    video: z.strictObject({
      select: z.strictObject({ rule: z.literal('times'), atMs }),
      width: size,
      height: size,
      fit: z.literal('squash'),
      interpolation: z.enum(['bicubic', 'bilinear', ...INTERPOLATION_NAMES]),
      colour: z.literal('rgb24'),
    }),
    audio: z.strictObject({ sampleRate, channels: z.literal(1), format: z.literal('f32') }),
    views: z.record(z.string(), view).exactOptional(),
    sounds: z.record(z.string(), sound).exactOptional(),
  })
  .superRefine((plan, context) => {
    for (const message of planProblems(plan)) context.addIssue({ code: 'custom', message });
  });

/** What only shows when the parts of a plan are seen together. */
function* planProblems({ windowMs: own, views = {}, sounds = {} }: ExtractionPlan): Generator<string> {
  for (const name of [...Object.keys(views), ...Object.keys(sounds)]) {
    if (!NAME.test(name)) yield `${name} must be lower-case letters, digits and _`;
    if (TAKEN.includes(name)) yield `${name} is taken by the opening pictures and sound`;
  }
  for (const twice of Object.keys(views).filter((one) => one in sounds))
    yield `${twice} is the name of a view and of a sound`;
  for (const [viewName, one] of Object.entries(views)) yield* timeProblems(viewName, one, own);
  for (const [soundName, one] of Object.entries(sounds)) yield* soundProblems(soundName, one, own);
  const bytes = Object.values(views).reduce((sum, one) => sum + maxViewBytes(one), 0);
  const { maxViewBytes: allowed } = DEFAULT_DECODE_LIMITS;
  if (bytes > allowed) {
    const mib = (value: number) => Math.ceil(value / 1024 ** 2);
    yield `views may yield ${mib(bytes)} MiB, more than the ${mib(allowed)} MiB that one upload may have`;
  }
}

function* timeProblems(viewName: string, one: FrameView, own: WindowMs): Generator<string> {
  const [start, end] = one.windowMs ?? own;
  if (one.select.rule === 'times' && one.select.atMs.some((at) => at < start || at >= end))
    yield `views.${viewName}: a time of atMs lies outside of the window`;
}

function* soundProblems(soundName: string, { resampler, windowMs: window }: SoundView, own: WindowMs) {
  const [start, end] = window ?? own;
  if (resampler === 'fft' && end - start > MAX_FFT_WINDOW_MS)
    yield `sounds.${soundName}: fft takes windows of ${MAX_FFT_WINDOW_MS} ms at most`;
}
