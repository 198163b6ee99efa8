/** Bootstrap intervals of the rank metrics: rows drawn with replacement, percentile method, seeded. */
import { type RankedPairs, type RankMetrics, rankMetrics } from './metrics.ts';
import { seededRandom } from './random.ts';

export type Interval = readonly [lower: number, upper: number];
export type MetricIntervals = Readonly<Record<keyof RankMetrics, Interval>>;

export interface BootstrapOptions {
  readonly rounds?: number;
  readonly seed?: number;
  /** Share inside the interval. */
  readonly confidence?: number;
}

const METRICS = ['srocc', 'plcc', 'final', 'auc'] as const;

/** Rounds in which a metric has no meaning are left out of its interval; without any round left it is [NaN, NaN]. */
export function bootstrapIntervals(pairs: RankedPairs, options: BootstrapOptions = {}): MetricIntervals {
  const { rounds = 1000, seed = 20_259, confidence = 0.95 } = options;
  const random = seededRandom(seed);
  const samples = Array.from({ length: rounds }, () =>
    rankMetrics(pairs, drawWeights(pairs.scores.length, random)),
  );
  const interval = (metric: keyof RankMetrics): Interval => {
    const values = samples.map((s) => s[metric]).filter(Number.isFinite);
    values.sort((a, b) => a - b);
    return [quantile(values, (1 - confidence) / 2), quantile(values, (1 + confidence) / 2)];
  };
  const [srocc, plcc, final, auc] = METRICS.map(interval) as [Interval, Interval, Interval, Interval];
  return { srocc, plcc, final, auc };
}

function drawWeights(size: number, random: () => number): Float64Array {
  const weights = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const row = Math.floor(random() * size);
    weights[row] = (weights[row] ?? 0) + 1;
  }
  return weights;
}

/** Linear interpolation between order statistics (NumPy's default). `sorted` rises. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}
