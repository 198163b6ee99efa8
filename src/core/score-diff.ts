/** How the scores of a backfill differ from the live ones, upload by upload. */
import { srocc } from './metrics.ts';
import { agrees } from './receipt.ts';

export interface ComparedScore {
  readonly revision: number;
  readonly tier: number;
  readonly ecr: number;
  readonly bundle: string;
}

export interface Mover {
  readonly uploadId: string;
  readonly revision: number;
  readonly live: number;
  readonly run: number;
  /** `run - live`. */
  readonly change: number;
}

export interface ScoreDiff {
  /** Uploads that the run has a score of. Each is in exactly one of the next five. */
  readonly uploads: number;
  /** Same revision and tier, ECR equal to the tolerance. */
  readonly same: number;
  readonly different: number;
  /** No live score. */
  readonly missing: number;
  /** The live score is of a higher revision or tier: a publish drops the run's. */
  readonly superseded: number;
  /** The run's is of a higher revision or tier. */
  readonly ahead: number;
  /** |run - live| over `same` and `different`; null without any. */
  readonly absoluteChange: {
    readonly mean: number;
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  } | null;
  /** Spearman's, over the same uploads; null where it has no meaning. */
  readonly rankCorrelation: number | null;
  /** Largest changes first; equal ones in order of the uploadId. */
  readonly movers: readonly Mover[];
}

export function diffScores(
  run: ReadonlyMap<string, ComparedScore>,
  live: ReadonlyMap<string, ComparedScore>,
  maxMovers: number,
): ScoreDiff {
  const counts = { same: 0, different: 0, missing: 0, superseded: 0, ahead: 0 };
  const pairs: Mover[] = [];
  for (const [uploadId, score] of run) {
    const other = live.get(uploadId);
    const kind = kindOf(score, other);
    counts[kind] += 1;
    if (other === undefined || (kind !== 'same' && kind !== 'different')) continue;
    const { revision, ecr } = score;
    pairs.push({ uploadId, revision, live: other.ecr, run: ecr, change: ecr - other.ecr });
  }
  const correlation = srocc(
    pairs.map((pair) => pair.run),
    pairs.map((pair) => pair.live),
  );
  return {
    uploads: run.size,
    ...counts,
    absoluteChange: distribution(pairs.map(({ change }) => Math.abs(change))),
    rankCorrelation: Number.isFinite(correlation) ? correlation : null,
    movers: pairs
      .filter(({ run: a, live: b }) => !agrees(a, b))
      .sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || (a.uploadId < b.uploadId ? -1 : 1))
      .slice(0, maxMovers),
  };
}

type Kind = 'same' | 'different' | 'missing' | 'superseded' | 'ahead';

function kindOf(run: ComparedScore, live: ComparedScore | undefined): Kind {
  if (live === undefined) return 'missing';
  const order = run.revision - live.revision || run.tier - live.tier;
  if (order !== 0) return order < 0 ? 'superseded' : 'ahead';
  return agrees(run.ecr, live.ecr) ? 'same' : 'different';
}

/** Quantiles by nearest rank: each is a change that occurs. */
function distribution(values: readonly number[]): ScoreDiff['absoluteChange'] {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
