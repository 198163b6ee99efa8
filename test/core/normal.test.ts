import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { erfc, normalCdf, normalQuantile } from '../../src/core/normal.ts';

interface Golden {
  readonly normal: {
    readonly cdf: readonly { readonly x: number; readonly value: number }[];
    readonly quantile: readonly { readonly p: number; readonly value: number }[];
    readonly erfc: readonly { readonly x: number; readonly value: number }[];
  };
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/prior/values.json', import.meta.url), 'utf8'),
) as Golden;

describe('the normal distribution', () => {
  it.each(golden.normal.cdf)('gives SciPy’s Phi($x) = $value', ({ x, value }) => {
    expect(Math.abs(normalCdf(x) - value)).toBeLessThanOrEqual(1e-13 * value);
  });

  it.each(golden.normal.quantile)('gives SciPy’s quantile $value at $p', ({ p, value }) => {
    expect(Math.abs(normalQuantile(p) - value)).toBeLessThanOrEqual(1e-14 * Math.max(1, Math.abs(value)));
  });

  it.each(golden.normal.erfc)('gives SciPy’s erfc($x) = $value', ({ x, value }) => {
    expect(Math.abs(erfc(x) - value)).toBeLessThanOrEqual(1e-13 * value);
  });

  it('ends at the infinities and is NaN outside [0, 1]', () => {
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
    expect(normalQuantile(-0.1)).toBeNaN();
    expect(normalQuantile(Number.NaN)).toBeNaN();
    expect(normalCdf(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(normalCdf(Number.POSITIVE_INFINITY)).toBe(1);
  });

  it('inverts itself', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true }), (p) => {
        expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 12);
      }),
    );
  });
});
