import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INTERPOLATION_NAMES } from '../../../src/core/resample/interpolation.ts';
import { resample } from '../../../src/core/resample/resample.ts';
import { patternPixels } from '../../support/pattern-pixels.ts';

const side = fc.integer({ min: 1, max: 40 });
const name = fc.constantFrom(...INTERPOLATION_NAMES);

describe('resampling', () => {
  it('keeps one colour as it is, at any size', () => {
    fc.assert(
      fc.property(name, side, side, side, side, fc.nat(255), (interpolation, w, h, toW, toH, value) => {
        const flat = { width: w, height: h, data: new Uint8Array(w * h * 3).fill(value) };
        const { data } = resample(flat, { width: toW, height: toH }, interpolation);
        expect(data).toEqual(new Uint8Array(toW * toH * 3).fill(value));
      }),
    );
  });

  it('changes nothing at the same size', () => {
    fc.assert(
      fc.property(name, side, side, (interpolation, width, height) => {
        const source = patternPixels(width, height);
        expect(resample(source, { width, height }, interpolation).data).toEqual(source.data);
      }),
    );
  });

  it('treats the channels alike and leaves the source alone', () => {
    fc.assert(
      fc.property(name, side, side, side, side, (interpolation, w, h, width, height) => {
        const source = patternPixels(w, h);
        const before = source.data.slice();
        const exchanged = { ...source, data: exchange(source.data) };
        const plain = resample(source, { width, height }, interpolation).data;
        // OpenCV's vector code ends inside a pixel, so that its channels may differ by a rounding.
        const tolerance = interpolation === 'cv2-cubic' ? 1 : 0;
        const back = exchange(resample(exchanged, { width, height }, interpolation).data);
        back.forEach((value, i) => {
          expect(Math.abs(value - (plain[i] ?? -9))).toBeLessThanOrEqual(tolerance);
        });
        expect(source.data).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });
});

function exchange(data: Uint8Array): Uint8Array {
  return data.map((_, i) => data[i - (i % 3) + (2 - (i % 3))] ?? 0);
}
