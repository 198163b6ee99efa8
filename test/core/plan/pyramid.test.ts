import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/core/digest.ts';
import { laplacianPyramid, pyramidSize } from '../../../src/core/plan/pyramid.ts';
import { patternPixels } from '../../support/pattern-pixels.ts';

interface PyramidCase {
  readonly from: readonly [height: number, width: number];
  readonly minSide: number;
  readonly shape: readonly number[];
  readonly sha256: string;
}

const url = new URL('../../golden/resample/cases.json', import.meta.url);
const { pyramids } = JSON.parse(readFileSync(url, 'utf8')) as { readonly pyramids: readonly PyramidCase[] };

describe('the Laplacian pyramid', () => {
  it.each(pyramids)(
    "equals OpenCV's, byte for byte: $from",
    ({ from: [height, width], minSide, shape, sha256 }) => {
      const details = laplacianPyramid(patternPixels(width, height), 6, minSide);
      const size = pyramidSize({ width, height }, 6, minSide);
      expect([details.length, size.height, size.width, 3]).toEqual(shape);
      const all = new Uint8Array(details.reduce((sum, { data }) => sum + data.length, 0));
      details.forEach(({ data }, index) => {
        all.set(data, index * data.length);
      });
      expect(sha256Hex(all)).toBe(sha256);
    },
  );
});
