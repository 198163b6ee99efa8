import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertPriorAssumptions, coldStartPrior, priorStrength } from '../../src/core/prior.ts';
import { exposureTicket } from '../../src/core/ticket.ts';

interface Case {
  readonly mean: number;
  readonly spread: number;
  readonly rho: number;
  readonly rank: number;
  readonly strength: number;
  readonly alpha: number;
  readonly beta: number;
  readonly ecr: number;
  readonly lower: number;
  readonly upper: number;
  readonly impressions: number;
  readonly breakEven: number;
}

const golden = JSON.parse(readFileSync(new URL('../golden/prior/values.json', import.meta.url), 'utf8')) as {
  readonly prior: readonly Case[];
};
const platform = { meanEcr: 0.6, spread: 0.15 };
const policy = { delta: 0.05, minImpressions: 50, maxImpressions: 2000, ttlHours: 72 };
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
/** Assumptions that the formulas accept: strength above 2 without any modality. */
const assumptions = fc
  .record({
    meanEcr: fc.double({ min: 0.02, max: 0.98, noNaN: true }),
    share: fc.double({ min: 0.05, max: 0.99, noNaN: true }),
  })
  .map(({ meanEcr, share }) => ({ meanEcr, spread: share * Math.sqrt((meanEcr * (1 - meanEcr)) / 3.001) }));
const rhos = fc.double({ min: 0, max: 0.99, noNaN: true });

describe('the cold-start prior', () => {
  it('gives the reference values of an independent implementation', () => {
    for (const one of golden.prior) {
      const assumed = { meanEcr: one.mean, spread: one.spread };
      const prior = coldStartPrior({ rank: one.rank, rho: one.rho, assumptions: assumed });
      for (const key of ['strength', 'alpha', 'beta', 'ecr', 'lower', 'upper'] as const) {
        expect(Math.abs(prior[key] - one[key]), `${key} of ${JSON.stringify(one)}`).toBeLessThan(
          1e-9 * Math.max(1, one[key]),
        );
      }
      const ticket = exposureTicket(prior, policy, 1_000);
      expect(ticket).toEqual({
        impressions: one.impressions,
        breakEven: one.breakEven,
        expiresAt: 1_000 + 72 * 3_600_000,
      });
    }
  });

  it('is worth 10.4 exposures at rho = .25, as stated', () => {
    expect(priorStrength(0.25, platform)).toBeCloseTo(10.4, 1);
  });

  it('is finite, ordered and consistent for any finite rank', () => {
    fc.assert(
      fc.property(finite, rhos, assumptions, (rank, rho, assumed) => {
        const prior = coldStartPrior({ rank, rho, assumptions: assumed });
        for (const value of Object.values(prior)) expect(Number.isFinite(value)).toBe(true);
        expect(prior.ecr).toBe(prior.alpha / (prior.alpha + prior.beta));
        expect(Math.min(prior.alpha, prior.beta)).toBeGreaterThanOrEqual(1 - 1e-9);
        expect(prior.lower).toBeGreaterThan(0);
        expect(prior.lower).toBeLessThan(prior.ecr);
        expect(prior.upper).toBeGreaterThan(prior.ecr);
        expect(prior.upper).toBeLessThan(1);
      }),
    );
  });

  it('never falls when the rank rises', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        rhos,
        assumptions,
        (a, b, rho, assumed) => {
          const low = coldStartPrior({ rank: Math.min(a, b), rho, assumptions: assumed });
          const high = coldStartPrior({ rank: Math.max(a, b), rho, assumptions: assumed });
          expect(high.ecr).toBeGreaterThanOrEqual(low.ecr);
        },
      ),
    );
  });

  it('does not depend on the rank when no weighted modality is present', () => {
    const base = coldStartPrior({ rank: 0.5, rho: 0, assumptions: platform });
    expect(base.ecr).toBeCloseTo(0.6, 15);
    fc.assert(
      fc.property(finite, (rank) => {
        expect(coldStartPrior({ rank, rho: 0, assumptions: platform })).toEqual(base);
      }),
    );
  });

  it('grows stronger with the correlation', () => {
    expect(priorStrength(0.9, platform)).toBeGreaterThan(priorStrength(0.25, platform));
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses the rank %d', (rank) => {
    expect(() => coldStartPrior({ rank, rho: 0.2, assumptions: platform })).toThrow(
      expect.objectContaining({ code: 'VALUE_NOT_FINITE' }),
    );
  });

  it.each([
    { meanEcr: 0, spread: 0.1 },
    { meanEcr: 0.6, spread: 0 },
    { meanEcr: 0.6, spread: 0.4 },
    { meanEcr: Number.NaN, spread: 0.1 },
  ])('refuses assumptions that leave no room: %o', (assumed) => {
    expect(() => assertPriorAssumptions(assumed, [])).toThrow(
      expect.objectContaining({ code: 'BUNDLE_INVALID' }),
    );
  });

  it('refuses a correlation of 1 or below 0', () => {
    expect(() => assertPriorAssumptions(platform, [0, 1])).toThrow(/rho 1/);
    expect(() => assertPriorAssumptions(platform, [-0.1])).toThrow(/rho -0.1/);
    expect(() => assertPriorAssumptions(platform, [0, 0.25, 0.99])).not.toThrow();
  });
});
