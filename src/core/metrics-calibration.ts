/**
 * How far predicted ECR can be believed, against outcomes counted per upload: `continues` of `impressions` watched on.
 * Brier, log loss and ECE are means over impressions, so that an upload weighs as much as it was watched.
 */

export interface Outcome {
  /** Predicted P(watch > 5 s), in (0, 1). */
  readonly ecr: number;
  /** 90 % interval of the prediction. */
  readonly lower: number;
  readonly upper: number;
  readonly impressions: number;
  readonly continues: number;
}

export interface CalibrationMetrics {
  /** Brier 1950: mean squared difference between prediction and what each impression did (0 or 1). */
  readonly brier: number;
  /** Nats. Predictions are clamped to [1e-15, 1 - 1e-15]. */
  readonly logLoss: number;
  /** Expected calibration error, 15 bins of equal width (Guo et al. 2017). */
  readonly ece: number;
  /** Share of uploads whose own rate, continues / impressions, lies in [lower, upper]; its sampling noise is included. */
  readonly intervalCoverage: number;
}

export const ECE_BINS = 15;
const CLAMP = 1e-15;

/** Uploads without impressions do not count; without any impression every metric is NaN. */
export function calibrationMetrics(outcomes: readonly Outcome[]): CalibrationMetrics {
  const seen = outcomes.filter((o) => o.impressions > 0);
  const total = seen.reduce((sum, o) => sum + o.impressions, 0);
  const mean = (loss: (o: Outcome) => number): number => seen.reduce((sum, o) => sum + loss(o), 0) / total;
  const covered = seen.filter((o) => {
    const rate = o.continues / o.impressions;
    return rate >= o.lower && rate <= o.upper;
  });
  return {
    brier: mean((o) => o.continues * (1 - o.ecr) ** 2 + (o.impressions - o.continues) * o.ecr ** 2),
    logLoss: mean(logLoss),
    ece: expectedCalibrationError(seen, total),
    intervalCoverage: covered.length / seen.length,
  };
}

function logLoss({ ecr, impressions, continues }: Outcome): number {
  const p = Math.min(1 - CLAMP, Math.max(CLAMP, ecr));
  return -(continues * Math.log(p) + (impressions - continues) * Math.log1p(-p));
}

/** Sum over bins of |sum of continues - sum of predictions| over all impressions. A bin holds its lower edge. */
function expectedCalibrationError(outcomes: readonly Outcome[], total: number): number {
  const gaps = new Float64Array(ECE_BINS);
  for (const { ecr, impressions, continues } of outcomes) {
    const bin = Math.min(ECE_BINS - 1, Math.floor(ecr * ECE_BINS));
    gaps[bin] = (gaps[bin] ?? 0) + continues - ecr * impressions;
  }
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / total;
}
