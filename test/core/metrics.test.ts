import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plcc, rankMetrics, rankPairs, srocc } from '../../src/core/metrics.ts';
import { bootstrapIntervals, quantile } from '../../src/core/metrics-bootstrap.ts';
import { calibrationMetrics, type Outcome } from '../../src/core/metrics-calibration.ts';

interface RankedCase {
  readonly name: string;
  readonly scores: readonly number[];
  readonly labels: readonly number[];
  readonly srocc: number;
  readonly plcc: number;
  readonly final: number;
  readonly auc: number;
}
interface Golden {
  readonly ranked: readonly RankedCase[];
  readonly calibration: { readonly outcomes: readonly Outcome[] } & Readonly<Record<string, unknown>>;
}

const goldenFile = new URL('../golden/starter/metrics.json', import.meta.url);
const golden = JSON.parse(readFileSync(goldenFile, 'utf8')) as Golden;
const [noisy] = golden.ranked;

describe('rankMetrics', () => {
  it.each(golden.ranked)('agrees with SciPy and scikit-learn: $name', ({ scores, labels, ...expected }) => {
    const metrics = rankMetrics(rankPairs(scores, labels));
    for (const name of ['srocc', 'plcc', 'final', 'auc'] as const) {
      expect(metrics[name]).toBeCloseTo(expected[name], 12);
    }
  });

  it('counts a row of weight n as n rows', () => {
    const row = fc.tuple(
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 0, max: 2 }),
      fc.integer({ min: 0, max: 3 }),
    );
    fc.assert(
      fc.property(fc.array(row, { minLength: 1 }), (rows) => {
        const weighted = rankPairs(
          rows.map((r) => r[0]),
          rows.map((r) => r[1]),
        );
        const repeated = rows.flatMap((r) => Array.from({ length: r[2] }, () => r));
        const plain = rankMetrics(
          rankPairs(
            repeated.map((r) => r[0]),
            repeated.map((r) => r[1]),
          ),
        );
        const metrics = rankMetrics(
          weighted,
          Float64Array.from(rows, (r) => r[2]),
        );
        for (const name of ['srocc', 'plcc', 'auc'] as const) {
          if (Number.isNaN(plain[name])) expect(metrics[name]).toBeNaN();
          else expect(metrics[name]).toBeCloseTo(plain[name], 9);
        }
      }),
    );
  });

  it('is NaN where a metric has no meaning', () => {
    expect(rankMetrics(rankPairs([1, 2, 3], [1, 1, 1]))).toMatchObject({
      srocc: Number.NaN,
      auc: Number.NaN,
    });
    expect(srocc([], [])).toBeNaN();
    expect(plcc([0.1, 0.1, 0.1], [0, 1, 2])).toBeNaN();
  });

  it('refuses rows of different length and values that are not finite', () => {
    expect(() => rankPairs([1], [1, 2])).toThrow(RangeError);
    expect(() => rankPairs([Number.NaN], [1])).toThrow(RangeError);
  });
});

describe('bootstrapIntervals', () => {
  const pairs = rankPairs(noisy?.scores ?? [], noisy?.labels ?? []);

  it('gives the same interval for the same seed, and another for another', () => {
    expect(bootstrapIntervals(pairs, { rounds: 50, seed: 1 })).toEqual(
      bootstrapIntervals(pairs, { rounds: 50, seed: 1 }),
    );
    expect(bootstrapIntervals(pairs, { rounds: 50, seed: 1 })).not.toEqual(
      bootstrapIntervals(pairs, { rounds: 50, seed: 2 }),
    );
  });

  it('spans as much as the theory of a correlation says', () => {
    const [lower, upper] = bootstrapIntervals(pairs).plcc;
    const r = noisy?.plcc ?? Number.NaN;
    // Fisher's z: half width 1.96 / sqrt(n - 3)
    const half = 1.96 / Math.sqrt(77);
    expect(lower).toBeCloseTo(Math.tanh(Math.atanh(r) - half), 1);
    expect(upper).toBeCloseTo(Math.tanh(Math.atanh(r) + half), 1);
  });

  it('interpolates quantiles between order statistics', () => {
    expect([0, 0.5, 0.9, 1].map((q) => quantile([1, 2, 4], q))).toEqual([1, 2, 3.6, 4]);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('calibrationMetrics', () => {
  it('agrees with scikit-learn on expanded impressions', () => {
    const metrics = calibrationMetrics(golden.calibration.outcomes);
    for (const name of ['brier', 'logLoss', 'ece', 'intervalCoverage'] as const) {
      expect(metrics[name]).toBeCloseTo(golden.calibration[name] as number, 12);
    }
  });

  it('leaves out uploads that nobody saw', () => {
    const [first] = golden.calibration.outcomes;
    const seen = { ecr: 0.5, lower: 0.4, upper: 0.6, impressions: 10, continues: 5 };
    const unseen = { ...(first ?? seen), impressions: 0, continues: 0 };
    expect(calibrationMetrics([seen, unseen])).toEqual(calibrationMetrics([seen]));
    expect(calibrationMetrics([unseen]).brier).toBeNaN();
  });
});
