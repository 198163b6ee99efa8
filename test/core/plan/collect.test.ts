import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ViewCollector, type WindowedView } from '../../../src/core/plan/collect.ts';
import { paint, paintedSize } from '../../../src/core/plan/paint.ts';
import { planUnion } from '../../../src/core/plan/union.ts';
import type { FrameView } from '../../../src/core/plan/view.ts';
import type { Pixels } from '../../../src/core/resample/resample.ts';
import { FIVE_SECONDS } from '../../support/media-objects.ts';
import { patternPixels } from '../../support/pattern-pixels.ts';
import { EVERY_FIT, EVERY_RULE } from '../../support/view-plans.ts';

const SOME_VIEWS: readonly FrameView[] = [
  ...Object.values(EVERY_RULE.views ?? {}),
  ...Object.values(EVERY_FIT.views ?? {}),
];

/** A frame whose pixels tell its number. */
function numbered(index: number, width = 24, height = 18): Pixels {
  return { width, height, data: new Uint8Array(width * height * 3).fill(index + 1) };
}

function gather(views: readonly WindowedView[], total: number, maxBytes = 2 ** 30) {
  const frames = { timesMs: Array.from({ length: total }, (_, i) => i * 100), fps: 10 };
  const collector = new ViewCollector(views, frames, maxBytes);
  for (let index = 0; index <= collector.lastIndex; index++) collector.take(index, () => numbered(index));
  return collector.results();
}

describe('gathering views', () => {
  it('gives a view the same whatever is gathered beside it', () => {
    fc.assert(
      fc.property(
        fc.subarray([...SOME_VIEWS.keys()], { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 70 }),
        (chosen, total) => {
          const views = chosen.map((index) => ({
            view: SOME_VIEWS[index] as FrameView,
            windowMs: [0, 6000] as const,
          }));
          const together = gather(views, total);
          views.forEach((view, i) => {
            expect(gather([view], total)[0]).toEqual(together[i]);
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  it('puts every frame in its places', () => {
    const view: FrameView = {
      select: { rule: 'dense', chunk: 4, tailOver: 1, dropLast: 0, maxFrames: 100 },
      fit: { rule: 'native', maxLongerSide: 64 },
      interpolation: 'pil-bilinear',
      colour: 'rgb24',
      tensor: 'uint8',
    };
    const [result] = gather([{ view, windowMs: [300, 1400] }], 30);
    const length = 24 * 18 * 3;
    const first = Array.from({ length: 12 }, (_, place) => result?.data[place * length]);
    expect(first).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 11, 12, 13, 14]);
    expect(result?.dims).toEqual([3, 4, 18, 24, 3]);
    expect(result?.frames.map(({ repeated }) => repeated).filter(Boolean).length).toBe(1);
  });

  it('gives nothing for a window without frames, and for one whose frames did not all come', () => {
    const view = SOME_VIEWS[0] as FrameView;
    expect(gather([{ view, windowMs: [9000, 9500] }], 10)).toEqual([undefined]);
    const collector = new ViewCollector(
      [{ view, windowMs: [0, 5000] }],
      { timesMs: [0, 1000], fps: 1 },
      2 ** 30,
    );
    collector.take(0, () => numbered(0));
    expect(collector.results()).toEqual([undefined]);
  });

  it('refuses more bytes than allowed before it holds them', () => {
    const view = SOME_VIEWS[0] as FrameView;
    expect(() => gather([{ view, windowMs: [0, 5000] }], 10, 1000)).toThrow(/more bytes than allowed/);
  });

  it('squashes frames of another size to the size of the first', () => {
    const view = EVERY_FIT.views?.native as FrameView;
    const size = paintedSize(view, { width: 24, height: 18 });
    const [picture] = paint(view, patternPixels(30, 50), size);
    expect(picture?.length).toBe(24 * 18 * 3);
  });
});

describe('painting', () => {
  it('centres a letterbox and fills the rest', () => {
    const view = EVERY_FIT.views?.letterbox as FrameView;
    const [picture = new Uint8Array()] = paint(view, numbered(9, 64, 32));
    const at = (x: number, y: number) => picture[(y * 64 + x) * 3];
    expect([at(0, 0), at(0, 15), at(0, 16), at(63, 47), at(0, 48)]).toEqual([128, 128, 10, 10, 128]);
  });

  it('cuts fragments from the middles of their cells, at native size', () => {
    const view = EVERY_RULE.views?.fragments as FrameView;
    const source = patternPixels(90, 120);
    const [picture = new Uint8Array()] = paint(view, source);
    // Cells of 30 x 40; crops of 16 start 6 and 11 into them.
    for (const [cellX, cellY] of [
      [0, 0],
      [1, 2],
      [2, 1],
    ] as const) {
      const from = ((cellY * 40 + 11) * 90 + cellX * 30 + 6) * 3;
      const to = (cellY * 16 * 48 + cellX * 16) * 3;
      expect([...picture.subarray(to, to + 48)]).toEqual([...source.data.subarray(from, from + 48)]);
    }
  });

  it('exchanges red and blue for bgr24, and rows and columns of wide frames', () => {
    const base = {
      ...(EVERY_FIT.views?.native as FrameView),
      fit: { rule: 'native', maxLongerSide: 99 },
    } as const;
    const frame = patternPixels(7, 5);
    const [rgb = []] = paint(base, frame);
    const [bgr = []] = paint({ ...base, colour: 'bgr24' }, frame);
    expect([bgr[0], bgr[1], bgr[2]]).toEqual([rgb[2], rgb[1], rgb[0]]);
    const [turned = []] = paint({ ...base, landscape: 'transpose' }, frame);
    expect(paintedSize({ ...base, landscape: 'transpose' }, frame)).toEqual({ width: 5, height: 7 });
    expect([...turned.slice(3, 6)]).toEqual([...frame.data.subarray(7 * 3, 7 * 3 + 3)]);
  });
});

describe('the union of plans', () => {
  it('covers every member, and holds equal asks once', () => {
    const plans = [FIVE_SECONDS, EVERY_RULE, EVERY_FIT, { ...FIVE_SECONDS, windowMs: [0, 7000] as const }];
    fc.assert(
      fc.property(fc.shuffledSubarray([...plans, FIVE_SECONDS], { minLength: 1 }), (members) => {
        const union = planUnion(members);
        members.forEach((plan, index) => {
          const member = union.members[index];
          expect(union.pictures[member?.picture ?? -1]).toEqual(plan.video);
          expect(union.sounds[member?.sound ?? -1]).toEqual({
            kind: 'opening',
            windowMs: plan.windowMs,
            audio: plan.audio,
          });
          for (const [name, view] of Object.entries(plan.views ?? {}))
            expect(union.views[member?.views[name] ?? -1]).toEqual({
              view,
              windowMs: view.windowMs ?? plan.windowMs,
            });
          for (const atMs of plan.video.select.atMs) expect(union.openingMs).toContain(atMs);
          expect(union.soundEndMs).toBeGreaterThanOrEqual(plan.windowMs[1]);
        });
        expect(union.pictures.length).toBe(new Set(members.map(({ video }) => JSON.stringify(video))).size);
      }),
    );
  });
});
