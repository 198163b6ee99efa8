import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../../src/core/plan/fit.ts';
import { selectFrames } from '../../../src/core/plan/select.ts';
import { type FrameSelection, groupSize } from '../../../src/core/plan/view.ts';

interface Golden {
  readonly cases: readonly {
    readonly select: FrameSelection;
    readonly total: number;
    readonly fps: number;
    readonly indices: readonly number[];
  }[];
  readonly sizes: readonly {
    readonly native: readonly [height: number, width: number];
    readonly cover: { readonly scaled: readonly number[]; readonly top: number; readonly left: number };
    readonly multiples: readonly number[];
  }[];
}

const url = new URL('../../golden/plan/cases.json', import.meta.url);
const golden = JSON.parse(readFileSync(url, 'utf8')) as Golden;
const framesAt = (total: number, fps: number) => Array.from({ length: total }, (_, i) => (i * 1000) / fps);

const count = fc.integer({ min: 1, max: 40 });
const selection: fc.Arbitrary<FrameSelection> = fc.oneof(
  fc.record({
    rule: fc.constant('times' as const),
    atMs: fc.array(fc.nat(9_000), { minLength: 1, maxLength: 9 }),
  }),
  fc.record({
    rule: fc.constantFrom(
      ...(['second-starts', 'second-middles', 'segment-middles', 'stretch-middles', 'even'] as const),
    ),
    count,
  }),
  fc.record({ rule: fc.constant('second-runs' as const), count, frames: count }),
  fc.record({
    rule: fc.constant('segment-runs' as const),
    count,
    frames: count,
    stride: fc.constantFrom(1, 2, 3),
  }),
  fc.record({
    rule: fc.constant('dense' as const),
    chunk: count,
    tailOver: fc.nat(8),
    dropLast: fc.nat(3),
    maxFrames: fc.integer({ min: 1, max: 500 }),
  }),
);

describe('frame selection', () => {
  it('is what the published systems compute, for every clip length', () => {
    for (const { select, total, fps, indices } of golden.cases) {
      const ours = selectFrames(select, { timesMs: framesAt(total, fps), fps });
      expect(ours, JSON.stringify({ select, total, fps })).toEqual(indices);
    }
    expect(golden.cases.length).toBeGreaterThan(150);
  });

  it('gives frames that exist, in whole groups, whatever the video', () => {
    fc.assert(
      fc.property(
        selection,
        fc.integer({ min: 1, max: 400 }),
        fc.double({ min: 0.5, max: 240, noNaN: true }),
        (select, total, fps) => {
          const indices = selectFrames(select, { timesMs: framesAt(total, fps), fps });
          expect(indices.length).toBeGreaterThan(0);
          expect(indices.length % groupSize(select)).toBe(0);
          expect(indices.every((index) => Number.isInteger(index) && index >= 0 && index < total)).toBe(true);
        },
      ),
    );
  });

  it('gives nothing where there is no frame', () => {
    expect(selectFrames({ rule: 'even', count: 4 }, { timesMs: [], fps: 30 })).toEqual([]);
  });
});

describe('layout', () => {
  it('has the sizes and crops of torchvision and of qwen-vl-utils', () => {
    for (const { native, cover, multiples } of golden.sizes) {
      const [height, width] = native;
      const covered = layoutOf({ rule: 'cover', side: 224, width: 224, height: 224 }, { width, height });
      expect({
        scaled: [covered.scaled.height, covered.scaled.width],
        top: covered.top,
        left: covered.left,
      }).toEqual(cover);
      const fit = { rule: 'multiples', multipleOf: 28, minPixels: 100_352, maxPixels: 602_112 } as const;
      const { out } = layoutOf(fit, { width, height });
      expect([out.height, out.width]).toEqual(multiples);
    }
  });
});
