/** The record of `ranking.cold-start.v1`: a calibrated prior, not a point. */
import type { ErrorCode } from './errors.ts';
import type { Timings } from './features.ts';
import type { Lane, UploadIdentity } from './upload.ts';

/** A signed contribution on the logit scale. All reasons of a score add up to logit(ecr). */
export interface Reason {
  /** `intercept`, `calibration`, `interaction`, or `<modality>:<what>`. */
  readonly feature: string;
  readonly contribution: number;
}

/** How many impressions it takes to know this upload's own ECR to within +-delta, and until when they are worth spending. */
export interface ExposureTicket {
  readonly impressions: number;
  /** Impressions after which the upload's own data outweighs the prior. */
  readonly breakEven: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Beta(alpha, beta) belief on ECR before exposure. `lower` and `upper` are its .05 and .95 quantiles. */
export interface EcrPrior {
  readonly ecr: number;
  readonly alpha: number;
  readonly beta: number;
  readonly lower: number;
  readonly upper: number;
}

export interface ColdStartScore extends UploadIdentity, EcrPrior {
  readonly scoreId: string;
  /** 0: base rate (the upload could not be scored; `rejection` says why). 1 and up: a bundle's tier. */
  readonly tier: number;
  readonly calibrated: boolean;
  /** Raw percentile in [0, 1]: what the SnapUGC label is. */
  readonly rank: number;
  readonly ticket: ExposureTicket;
  readonly reasons: readonly Reason[];
  readonly missing: readonly string[];
  readonly rejection: ErrorCode | null;
  readonly bundle: string;
  readonly bundleDigest: string;
  readonly planDigest: string;
  readonly executionProvider: string;
  readonly lane: Lane;
  readonly timings: Timings;
  /** Milliseconds since the epoch. */
  readonly scoredAt: number;
}
