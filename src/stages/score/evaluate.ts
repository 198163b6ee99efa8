/** `models eval`: how well a bundle orders labelled uploads, and how far its probabilities can be believed. */

import { rankMetrics, rankPairs } from '../../core/metrics.ts';
import {
  type BootstrapOptions,
  bootstrapIntervals,
  type MetricIntervals,
} from '../../core/metrics-bootstrap.ts';
import { calibrationMetrics } from '../../core/metrics-calibration.ts';
import type { EcrPrior } from '../../core/score.ts';

export interface EvaluationRow {
  /** Ordinal, higher is better. */
  readonly label: number;
  readonly prior: EcrPrior;
  /** Impressions, and how many of them were watched on. */
  readonly outcome?: { readonly impressions: number; readonly continues: number };
}

/** Metrics of `ecr`. NaN stands for a metric that has no meaning on these rows (one label only, say). */
export interface Evaluation {
  readonly n: number;
  readonly srocc: number;
  readonly plcc: number;
  readonly final: number;
  readonly auc: number;
  readonly ci: MetricIntervals;
  /** Only where outcomes were given. */
  readonly brier?: number;
  readonly logLoss?: number;
  readonly ece?: number;
  readonly coverage90?: number;
}

export function evaluate(rows: readonly EvaluationRow[], options: BootstrapOptions = {}): Evaluation {
  const pairs = rankPairs(
    rows.map((row) => row.prior.ecr),
    rows.map((row) => row.label),
  );
  const watched = rows.flatMap(({ prior, outcome }) =>
    outcome === undefined ? [] : [{ ...prior, ...outcome }],
  );
  const ranking = { n: rows.length, ...rankMetrics(pairs), ci: bootstrapIntervals(pairs, options) };
  if (watched.length === 0) return ranking;
  const { intervalCoverage, ...losses } = calibrationMetrics(watched);
  return { ...ranking, ...losses, coverage90: intervalCoverage };
}
