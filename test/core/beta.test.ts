import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betaCdf, betaQuantile, logGamma } from '../../src/core/beta.ts';

interface Golden {
  readonly beta: {
    readonly quantile: readonly { p: number; a: number; b: number; value: number }[];
    readonly cdf: readonly { x: number; a: number; b: number; value: number }[];
    readonly logGamma: readonly { x: number; value: number }[];
  };
}

const { beta } = JSON.parse(
  readFileSync(new URL('../golden/prior/values.json', import.meta.url), 'utf8'),
) as Golden;
const shape = fc.double({ min: 0.5, max: 20_000, noNaN: true });

describe('the Beta distribution', () => {
  it.each(beta.logGamma)('gives SciPy’s ln Gamma($x)', ({ x, value }) => {
    expect(Math.abs(logGamma(x) - value)).toBeLessThanOrEqual(2e-14 * Math.max(1, Math.abs(value)));
  });

  it('gives SciPy’s incomplete beta function within 1e-10', () => {
    for (const { x, a, b, value } of beta.cdf) expect(Math.abs(betaCdf(x, a, b) - value)).toBeLessThan(1e-10);
  });

  it('gives SciPy’s quantiles within 1e-10', () => {
    for (const { p, a, b, value } of beta.quantile) {
      expect(Math.abs(betaQuantile(p, a, b) - value), `p ${p} a ${a} b ${b}`).toBeLessThan(1e-10);
    }
  });

  it('is clamped outside its support', () => {
    expect([betaCdf(-1, 2, 3), betaCdf(2, 2, 3), betaQuantile(0, 2, 3), betaQuantile(1, 2, 3)]).toEqual([
      0, 1, 0, 1,
    ]);
  });

  it('inverts itself for every shape', () => {
    fc.assert(
      fc.property(shape, shape, fc.double({ min: 1e-4, max: 1 - 1e-4, noNaN: true }), (a, b, p) => {
        const x = betaQuantile(p, a, b);
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(1);
        if (x > 1e-9 && x < 1 - 1e-9) expect(Math.abs(betaCdf(x, a, b) - p)).toBeLessThan(1e-8);
      }),
    );
  });
});
