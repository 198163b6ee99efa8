/**
 * How well a score orders uploads: the challenge's metrics and the AUC of the top class.
 *
 * M1. Ties get average ranks (as in SciPy's `spearmanr`).
 * M2. Each metric takes optional integer weights, the number of times a row counts: a bootstrap sample is a weighting,
 *     and needs no new sort.
 * M3. A metric without meaning (fewer than two rows, one side constant, one class) is NaN, never a made-up 0.
 */

export interface RankMetrics {
  readonly srocc: number;
  readonly plcc: number;
  /** 0.6 SROCC + 0.4 PLCC: the Final of arXiv 2509.02969 (VQualA 2025), with plain Pearson. */
  readonly final: number;
  /** P(a row of the highest label scores above a row of any other), ties counted half. */
  readonly auc: number;
}

/** Scores and labels of the same rows, sorted once for any number of weightings. */
export interface RankedPairs {
  readonly scores: Float64Array;
  readonly labels: Float64Array;
  readonly scoreOrder: Uint32Array;
  readonly labelOrder: Uint32Array;
}

/** @throws RangeError where lengths differ or a value is not finite. */
export function rankPairs(scores: readonly number[], labels: readonly number[]): RankedPairs {
  if (scores.length !== labels.length)
    throw new RangeError(`${scores.length} scores, ${labels.length} labels`);
  const pairs = { scores: Float64Array.from(scores), labels: Float64Array.from(labels) };
  if (!pairs.scores.every(Number.isFinite) || !pairs.labels.every(Number.isFinite)) {
    throw new RangeError('scores and labels must be finite');
  }
  return { ...pairs, scoreOrder: sortedOrder(pairs.scores), labelOrder: sortedOrder(pairs.labels) };
}

export function rankMetrics(pairs: RankedPairs, weights?: Float64Array): RankMetrics {
  const { scores, labels } = pairs;
  const counts = weights ?? new Float64Array(scores.length).fill(1);
  const scoreRanks = averageRanks(scores, pairs.scoreOrder, counts);
  const labelRanks = averageRanks(labels, pairs.labelOrder, counts);
  const srocc = correlation(scoreRanks, labelRanks, counts);
  const plcc = correlation(scores, labels, counts);
  return { srocc, plcc, final: 0.6 * srocc + 0.4 * plcc, auc: topClassAuc(labels, scoreRanks, counts) };
}

/** Spearman's rank correlation, ties averaged. */
export function srocc(scores: readonly number[], labels: readonly number[]): number {
  return rankMetrics(rankPairs(scores, labels)).srocc;
}

/** Pearson's correlation. */
export function plcc(scores: readonly number[], labels: readonly number[]): number {
  return rankMetrics(rankPairs(scores, labels)).plcc;
}

function sortedOrder(values: Float64Array): Uint32Array {
  return Uint32Array.from(values.keys()).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
}

/** Rank of each row among the rows that its weight repeats; 1 is the lowest. Rows of weight 0 get no meaningful rank. */
function averageRanks(values: Float64Array, order: Uint32Array, weights: Float64Array): Float64Array {
  const ranks = new Float64Array(values.length);
  let below = 0;
  for (let start = 0; start < order.length; ) {
    const value = values[order[start] ?? 0];
    let end = start;
    let tied = 0;
    while (end < order.length && values[order[end] ?? 0] === value) tied += weights[order[end++] ?? 0] ?? 0;
    for (let i = start; i < end; i++) ranks[order[i] ?? 0] = below + (tied + 1) / 2;
    below += tied;
    start = end;
  }
  return ranks;
}

function correlation(a: Float64Array, b: Float64Array, weights: Float64Array): number {
  const total = weights.reduce((sum, w) => sum + w, 0);
  const meanA = weightedMean(a, weights, total);
  const meanB = weightedMean(b, weights, total);
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const w = weights[i] ?? 0;
    const da = (a[i] ?? 0) - meanA;
    const db = (b[i] ?? 0) - meanB;
    ab += w * da * db;
    aa += w * da * da;
    bb += w * db * db;
  }
  return isConstant(a, weights) || isConstant(b, weights) ? Number.NaN : ab / Math.sqrt(aa * bb);
}

/** Compared by value: the rounding of a mean can leave a constant column a variance that is not 0. */
function isConstant(values: Float64Array, weights: Float64Array): boolean {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    if ((weights[i] ?? 0) === 0) continue;
    low = Math.min(low, values[i] ?? low);
    high = Math.max(high, values[i] ?? high);
  }
  return !(low < high);
}

function weightedMean(values: Float64Array, weights: Float64Array, total: number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] ?? 0) * (weights[i] ?? 0);
  return sum / total;
}

/** Mann-Whitney U of the top class over the number of pairs. */
function topClassAuc(labels: Float64Array, scoreRanks: Float64Array, weights: Float64Array): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < labels.length; i++) {
    if ((weights[i] ?? 0) > 0) top = Math.max(top, labels[i] ?? top);
  }
  let [positives, negatives, rankSum] = [0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    const w = weights[i] ?? 0;
    if (labels[i] === top) {
      positives += w;
      rankSum += w * (scoreRanks[i] ?? 0);
    } else negatives += w;
  }
  if (positives === 0 || negatives === 0) return Number.NaN;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
