import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coldStartPrior } from '../../src/core/prior.ts';
import { explainScore, foldContributions, logit } from '../../src/core/reasons.ts';

const assumptions = { meanEcr: 0.6, spread: 0.15 };
const contribution = fc.record({
  feature: fc.constantFrom('title:cat', 'title:dog', 'description:a b', 'caption:x', 'odd'),
  value: fc.double({ min: -3, max: 3, noNaN: true }),
});

describe('the reasons of a score', () => {
  it('add up to logit(ecr) within 1e-9, from intercept to calibration', () => {
    fc.assert(
      fc.property(
        fc.array(contribution, { maxLength: 200 }),
        fc.double({ min: -5, max: 5, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        fc.integer({ min: 0, max: 12 }),
        (contributions, z, rank, rho, topK) => {
          const { ecr } = coldStartPrior({ rank, rho, assumptions });
          const reasons = explainScore({ ecr, rho, assumptions, z, contributions, topK });
          const sum = reasons.reduce((total, reason) => total + reason.contribution, 0);
          expect(Math.abs(sum - logit(ecr))).toBeLessThan(1e-9);
          expect(reasons[0]?.feature).toBe('intercept');
          expect(reasons.at(-1)?.feature).toBe('calibration');
        },
      ),
    );
  });

  it('keep the largest and fold the rest of each modality', () => {
    const folded = foldContributions(
      [
        { feature: 'title:a', value: 0.1 },
        { feature: 'title:b', value: -0.9 },
        { feature: 'caption:c', value: 0.5 },
        { feature: 'title:d', value: 0.2 },
        { feature: 'caption:e', value: -0.05 },
        { feature: 'title:zero', value: 0 },
      ],
      2,
    );
    expect(folded.map((one) => one.feature)).toEqual([
      'title:b',
      'caption:c',
      'title:other',
      'caption:other',
    ]);
    expect(folded[2]?.value).toBeCloseTo(0.3, 12);
    expect(folded[3]?.value).toBeCloseTo(-0.05, 12);
  });

  it('lose nothing in folding', () => {
    fc.assert(
      fc.property(
        fc.array(contribution, { maxLength: 60 }),
        fc.integer({ min: 0, max: 8 }),
        (contributions, topK) => {
          const sum = (parts: readonly { readonly value: number }[]) =>
            parts.reduce((total, one) => total + one.value, 0);
          expect(Math.abs(sum(foldContributions(contributions, topK)) - sum(contributions))).toBeLessThan(
            1e-9,
          );
        },
      ),
    );
  });

  it('name nothing but the base rate when no modality carries weight', () => {
    const reasons = explainScore({
      ecr: 0.6,
      rho: 0,
      assumptions,
      z: 1.2,
      contributions: [{ feature: 'title:x', value: 1.2 }],
      topK: 5,
    });
    expect(reasons.map((reason) => reason.feature)).toEqual(['intercept', 'calibration']);
    expect(reasons[1]?.contribution).toBeCloseTo(0, 12);
  });
});
