/**
 * From a percentile to a belief: Beta(alpha, beta) on the ECR of an upload that nobody has watched.
 *
 * Derivation, and which numbers are assumptions: docs/specs/prior.md.
 *
 * B1. For assumptions that `assertPriorAssumptions` accepts and any finite rank, every result is finite, alpha and beta
 *     are at least 1 (up to rounding), and 0 < lower < ecr < upper < 1.
 * B2. `ecr` never falls when the rank rises.
 * B3. Without a weighted modality (rho = 0) the result does not depend on the rank.
 */
import { betaQuantile } from './beta.ts';
import { FirstFiveError } from './errors.ts';
import { normalQuantile } from './normal.ts';
import type { EcrPrior } from './score.ts';

/** What is believed of the platform before any outcome is seen. */
export interface PriorAssumptions {
  /** Mean ECR of the platform's uploads, in (0, 1). */
  readonly meanEcr: number;
  /** Standard deviation of ECR between uploads. */
  readonly spread: number;
}

export interface PriorInput {
  /** Raw percentile; clamped to [.001, .999]. */
  readonly rank: number;
  /** Cross-validated correlation of the weighted modalities that are present, in [0, 1). */
  readonly rho: number;
  readonly assumptions: PriorAssumptions;
}

export interface StrongPrior extends EcrPrior {
  /** Pseudo-exposures that the belief is worth: alpha + beta. */
  readonly strength: number;
}

export const RANK_FLOOR = 0.001;
export const RANK_CEILING = 0.999;
const LOWER_QUANTILE = 0.05;
const UPPER_QUANTILE = 0.95;

/** `VALUE_NOT_FINITE` when rank or rho is not a finite number. */
export function coldStartPrior({ rank, rho, assumptions }: PriorInput): StrongPrior {
  if (!Number.isFinite(rank) || !Number.isFinite(rho)) {
    throw new FirstFiveError('VALUE_NOT_FINITE', `rank ${rank} and rho ${rho} must be finite`, {
      stage: 'score',
    });
  }
  const z = normalQuantile(Math.min(RANK_CEILING, Math.max(RANK_FLOOR, rank)));
  const strength = priorStrength(rho, assumptions);
  const unclamped = assumptions.meanEcr + rho * assumptions.spread * z;
  const mean = Math.min(1 - 1 / strength, Math.max(1 / strength, unclamped));
  return betaPrior(mean * strength, (1 - mean) * strength);
}

/** mbar (1 - mbar) / (tau^2 (1 - rho^2)) - 1: what is left unknown of one upload, in pseudo-exposures. */
export function priorStrength(rho: number, { meanEcr, spread }: PriorAssumptions): number {
  return (meanEcr * (1 - meanEcr)) / (spread * spread * (1 - rho * rho)) - 1;
}

export function betaPrior(alpha: number, beta: number): StrongPrior {
  return {
    ecr: alpha / (alpha + beta),
    alpha,
    beta,
    lower: betaQuantile(LOWER_QUANTILE, alpha, beta),
    upper: betaQuantile(UPPER_QUANTILE, alpha, beta),
    strength: alpha + beta,
  };
}

/**
 * Refuses assumptions for which the formulas say nothing: the strength without any modality must exceed 2, or the
 * clamp [1/s, 1 - 1/s] is empty. (`BUNDLE_INVALID`, since a bundle states them.)
 */
export function assertPriorAssumptions(assumptions: PriorAssumptions, rhos: readonly number[]): void {
  const { meanEcr, spread } = assumptions;
  const base = priorStrength(0, assumptions);
  const sane = meanEcr > 0 && meanEcr < 1 && spread > 0 && Number.isFinite(base) && base > 2;
  if (!sane) {
    throw new FirstFiveError(
      'BUNDLE_INVALID',
      `prior: mean ECR ${meanEcr} with spread ${spread} gives strength ${base}; it must exceed 2`,
    );
  }
  const bad = rhos.find((rho) => !(rho >= 0 && rho <= 0.99));
  if (bad !== undefined) throw new FirstFiveError('BUNDLE_INVALID', `prior: rho ${bad} is outside [0, 0.99]`);
}
