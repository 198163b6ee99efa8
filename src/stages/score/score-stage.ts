/**
 * The score step: from features to a cold-start prior. Synchronous, without I/O, so that stored features can be scored
 * again at the speed of a loop.
 *
 * C1. The same features, bundle and clock give the same score, live, replayed or re-scored.
 * C2. Nothing that is not a finite number leaves: `VALUE_NOT_FINITE` instead.
 */
import { type BaseRateContext, baseRateScore } from '../../core/base-rate.ts';
import { canonicalJson, planDigest, sha256Hex } from '../../core/digest.ts';
import { type ErrorCode, FirstFiveError } from '../../core/errors.ts';
import type { UploadFeatures } from '../../core/features.ts';
import { coldStartPrior } from '../../core/prior.ts';
import { DEFAULT_TOP_REASONS, explainScore } from '../../core/reasons.ts';
import type { ColdStartScore } from '../../core/score.ts';
import { scoreIdOf } from '../../core/score-id.ts';
import { exposureTicket } from '../../core/ticket.ts';
import type { Lane, UploadIdentity } from '../../core/upload.ts';
import type { LoadedBundle } from '../model-repository.ts';
import type { HeadScore, ScoringHead } from './scoring-head.ts';

export interface ScoreStageOptions {
  readonly bundle: Pick<LoadedBundle, 'manifest' | 'label' | 'digest'>;
  readonly head: ScoringHead;
  /** How many contributions are named before the rest is folded. */
  readonly topReasons?: number;
  /** Milliseconds, monotonic; only differences count. */
  readonly now?: () => number;
}

export interface ScoreMoment {
  readonly lane: Lane;
  /** Milliseconds since the epoch. */
  readonly scoredAt: number;
}

/** What a rejected upload's base rate is made with; the decoder's build and the provider are the process's. */
export interface RejectionMoment extends ScoreMoment {
  readonly decoderBuild: string;
  readonly executionProvider: string;
}

export interface ScoreStage {
  score(features: UploadFeatures, moment: ScoreMoment): ColdStartScore;
  /** Tier 0, for an upload that could not be scored. */
  baseRate(identity: UploadIdentity, rejection: ErrorCode, moment: RejectionMoment): ColdStartScore;
}

export function createScoreStage(options: ScoreStageOptions): ScoreStage {
  const { bundle, head, topReasons = DEFAULT_TOP_REASONS, now = () => performance.now() } = options;
  const { prior: assumptions, ticket, calibration, tier, extractionPlan } = bundle.manifest;
  const calibrationDigest = sha256Hex(canonicalJson({ calibration, prior: assumptions }));
  const context: Omit<BaseRateContext, 'decoderBuild' | 'executionProvider'> = {
    assumptions,
    ticket,
    bundle: bundle.label,
    bundleDigest: bundle.digest,
    planDigest: planDigest(extractionPlan),
    calibrationDigest,
  };

  return {
    score: (features, moment) => {
      const startedAt = now();
      const { uploadId, revision, uploadedAt, mediaEtag, text, producer } = features;
      const scored = finite(head.score(features));
      const { strength, ...prior } = coldStartPrior({ rank: scored.rank, rho: scored.rho, assumptions });
      const reasons = explainScore({ ...scored, ecr: prior.ecr, assumptions, topK: topReasons });
      const { planDigest: plan, decoderBuild } = producer;
      return {
        uploadId,
        revision,
        uploadedAt,
        scoreId: scoreIdOf({
          uploadId,
          revision,
          mediaEtag,
          text,
          planDigest: plan,
          bundleDigest: bundle.digest,
          calibrationDigest,
          decoderBuild,
        }),
        tier,
        ...prior,
        calibrated: calibration.fitted,
        rank: scored.rank,
        ticket: exposureTicket({ ...prior, strength }, ticket, moment.scoredAt),
        reasons,
        missing: scored.present.includes('text') ? features.missing : [...features.missing, 'text'],
        rejection: null,
        bundle: bundle.label,
        bundleDigest: bundle.digest,
        planDigest: plan,
        executionProvider: producer.executionProvider,
        lane: moment.lane,
        timings: { ...features.timings, score: now() - startedAt },
        scoredAt: moment.scoredAt,
      };
    },
    baseRate: (identity, rejection, { decoderBuild, executionProvider, ...at }) =>
      baseRateScore(identity, rejection, { context: { ...context, decoderBuild, executionProvider }, ...at }),
  };
}

/** z and rank; a finite z implies finite contributions, since they add up to it. */
function finite(scored: HeadScore): HeadScore {
  if (Number.isFinite(scored.z) && Number.isFinite(scored.rank)) return scored;
  throw new FirstFiveError('VALUE_NOT_FINITE', 'the head gives a score that is not finite', {
    stage: 'score',
  });
}
