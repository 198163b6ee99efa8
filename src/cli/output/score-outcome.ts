/**
 * What becomes of one upload in `score` and `demo`, and its stable JSON form.
 *
 * S1. The keys of the JSON form are a contract: later versions add keys and never rename or remove one.
 */
import type { ErrorCode } from '../../core/errors.ts';
import type { ColdStartScore } from '../../core/score.ts';

export interface ScoredUpload {
  readonly status: 'scored';
  readonly score: ColdStartScore;
}

export interface RejectedUpload {
  readonly status: 'rejected';
  readonly uploadId: string;
  readonly code: ErrorCode;
  /** Where it failed: `read` for a row that is no upload, else the step. */
  readonly stage: string;
  readonly message: string;
}

export type ScoreOutcome = ScoredUpload | RejectedUpload;

export function outcomeJson(outcome: ScoreOutcome): object {
  if (outcome.status === 'rejected') {
    const { uploadId, status, code, stage, message } = outcome;
    return { uploadId, status, code, stage, message };
  }
  const { score } = outcome;
  return {
    uploadId: score.uploadId,
    status: 'scored',
    ecr: score.ecr,
    rank: score.rank,
    alpha: score.alpha,
    beta: score.beta,
    lower: score.lower,
    upper: score.upper,
    ticket: score.ticket,
    reasons: score.reasons,
    bundle: score.bundle,
    timings: score.timings,
    revision: score.revision,
    calibrated: score.calibrated,
    missing: score.missing,
    executionProvider: score.executionProvider,
  };
}
