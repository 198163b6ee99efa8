import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { extractionPlan } from '../../../src/adapters/model-repository/plan-schema.ts';
import { tensorDims } from '../../../src/core/plan/collect.ts';
import { paintedSize } from '../../../src/core/plan/paint.ts';
import { selectFrames } from '../../../src/core/plan/select.ts';
import { FIVE_SECONDS } from '../../support/media-objects.ts';
import { EVERY_FIT, EVERY_RULE } from '../../support/view-plans.ts';

const document = readFileSync(new URL('../../../docs/specs/extraction-plan.md', import.meta.url), 'utf8');
const walk = [...document.matchAll(/```json\n([\s\S]*?)```/g)].map(
  ([, json = '']) => JSON.parse(json) as object,
);

/** What each block's views make of a 9.7 s clip of 480 x 854 at 30 frames per second; in the document's order. */
const SHAPES: readonly Readonly<Record<string, readonly number[]>>[] = [
  { chunks: [18, 16, 452, 256, 3] },
  { chunks: [18, 16, 452, 256, 3] },
  { clips: [18, 16, 224, 224, 3], caption: [32, 224, 224, 3] },
  { seconds: [8, 384, 384, 3] },
  { whole: [8, 384, 384, 3] },
  { pairs: [8, 840, 476, 3] },
  { full: [16, 840, 476, 3] },
  { technical: [3, 32, 224, 224, 3] },
  { aesthetic: [32, 224, 224, 3] },
  { key: [8, 224, 224, 3] },
  { pyramid: [8, 5, 854, 480, 3] },
  { motion: [8, 32, 224, 224, 3] },
  { clip: [5, 224, 224, 3] },
];

const timesMs = Array.from({ length: 291 }, (_, i) => (i * 1000) / 30);

describe('the walk through the published systems', () => {
  it('has a plan for every consumer', () => {
    expect(walk.length).toBe(SHAPES.length);
  });

  it.each(SHAPES.map((shapes, index) => [Object.keys(shapes).join(' and '), shapes, walk[index]] as const))(
    '%s parses, and yields its shape',
    (_, shapes, block) => {
      const plan = extractionPlan.parse({ ...FIVE_SECONDS, ...block });
      const dims = Object.entries(plan.views ?? {}).map(([name, view]) => {
        const [start, end] = view.windowMs ?? plan.windowMs;
        const inside = timesMs.filter((ms) => ms >= start && ms < end);
        const shown = selectFrames(view.select, { timesMs: inside, fps: 30 });
        return [name, tensorDims(view, shown.length, paintedSize(view, { width: 480, height: 854 }))];
      });
      expect(Object.fromEntries(dims)).toEqual(shapes);
    },
  );
});

describe('the plan schema', () => {
  it('takes plans of every rule', () => {
    for (const plan of [FIVE_SECONDS, EVERY_RULE, EVERY_FIT])
      expect(extractionPlan.parse(plan)).toEqual(plan);
  });

  const view = EVERY_RULE.views?.times;
  const sound = EVERY_RULE.sounds?.tail;
  const REFUSED: readonly (readonly [what: string, change: object, reason: RegExp])[] = [
    ['an unknown field', { speed: 2 }, /Unrecognized key/],
    ['an unknown rule', { views: { a: { ...view, select: { rule: 'random' } } } }, /rule|discriminator/i],
    ['an unknown interpolation', { views: { a: { ...view, interpolation: 'lanczos' } } }, /expected one of/],
    ['a window that is empty', { windowMs: [5, 5] }, /must not be empty/],
    ['a window without end', { windowMs: [0, 86_400_000] }, /600000/],
    ['a name that is taken', { views: { frames: view } }, /is taken by the opening/],
    [
      'one name for a view and a sound',
      { views: { a: view }, sounds: { a: sound } },
      /a view and of a sound/,
    ],
    [
      'a time outside of the window',
      { windowMs: [0, 3000], views: { a: view } },
      /lies outside of the window/,
    ],
    [
      'a float tensor of Pillow',
      { views: { a: { ...view, tensor: 'float32' } } },
      /float32 tensor is of squash/,
    ],
    [
      'a pyramid that is not of OpenCV',
      { views: { a: { ...view, fit: { rule: 'pyramid', levels: 6, minSide: 224, maxLongerSide: 854 } } } },
      /pyramid is of cv2-cubic/,
    ],
    [
      'a cut larger than the picture',
      { views: { a: { ...view, fit: { rule: 'cover', side: 200, width: 224, height: 224 } } } },
      /larger than side/,
    ],
    [
      'a tail as long as a chunk',
      {
        views: {
          a: { ...view, select: { rule: 'dense', chunk: 4, tailOver: 4, dropLast: 0, maxFrames: 9 } },
        },
      },
      /below chunk/,
    ],
    [
      'more bytes than an upload may have',
      {
        views: {
          a: { ...view, select: { rule: 'dense', chunk: 16, tailOver: 3, dropLast: 0, maxFrames: 20_000 } },
        },
      },
      /views may yield \d+ MiB, more than the 768 MiB/,
    ],
    [
      'a Fourier transform of minutes',
      { windowMs: [0, 600_000], sounds: { a: { sampleRate: 16_000, resampler: 'fft', scale: 'float' } } },
      /fft takes windows/,
    ],
    [
      'stretches longer than their room',
      { sounds: { a: { ...sound, stretches: { count: 8, lengthMs: 2000 }, padToMs: 1000 } } },
      /longer than padToMs/,
    ],
  ];

  it.each(REFUSED)('refuses %s, and says why', (_, change, reason) => {
    const parsed = extractionPlan.safeParse({ ...FIVE_SECONDS, ...change });
    expect(parsed.success).toBe(false);
    expect(
      parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    ).toMatch(reason);
  });
});
