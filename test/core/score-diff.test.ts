import { describe, expect, it } from 'vitest';
import { type ComparedScore, diffScores } from '../../src/core/score-diff.ts';

const at = (ecr: number, change: Partial<ComparedScore> = {}): ComparedScore => ({
  revision: 0,
  tier: 1,
  ecr,
  bundle: 'b@1',
  ...change,
});

describe('diffScores', () => {
  it('puts every upload of the run in exactly one class', () => {
    const run = new Map([
      ['same', at(0.5)],
      ['noise', at(0.500001)],
      ['up', at(0.7)],
      ['down', at(0.1)],
      ['new', at(0.4)],
      ['edited', at(0.4)],
      ['ahead', at(0.4, { revision: 2 })],
    ]);
    const live = new Map([
      ['same', at(0.5)],
      ['noise', at(0.5)],
      ['up', at(0.6)],
      ['down', at(0.4)],
      ['edited', at(0.4, { revision: 1 })],
      ['ahead', at(0.4)],
      ['elsewhere', at(0.9)],
    ]);
    const diff = diffScores(run, live, 1);
    expect(diff).toMatchObject({ uploads: 7, same: 2, different: 2, missing: 1, superseded: 1, ahead: 1 });
    expect(diff.movers).toHaveLength(1);
    expect(diff.movers[0]).toMatchObject({ uploadId: 'down', live: 0.4, run: 0.1 });
    expect(diff.absoluteChange?.max).toBeCloseTo(0.3, 12);
    expect(diff.absoluteChange?.p50).toBeCloseTo(1e-6, 12);
    // Ranks of run (0.5, 0.500001, 0.7, 0.1) are 2, 3, 4, 1; of live (0.5, 0.5, 0.6, 0.4) 2.5, 2.5, 4, 1: 4.5 / sqrt(5 * 4.5).
    expect(diff.rankCorrelation).toBeCloseTo(4.5 / Math.sqrt(5 * 4.5), 12);
  });

  it('has no distribution of nothing, and no rank correlation of a constant', () => {
    expect(diffScores(new Map(), new Map(), 5)).toMatchObject({
      absoluteChange: null,
      rankCorrelation: null,
    });
    const one = new Map([
      ['a', at(0.5)],
      ['b', at(0.5)],
    ]);
    expect(diffScores(one, one, 5)).toMatchObject({ same: 2, rankCorrelation: null });
  });
});
