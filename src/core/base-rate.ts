/** The tier-0 score of an upload that could not be scored, so that ranking never waits for it. */
import type { ErrorCode } from './errors.ts';
import { coldStartPrior, type PriorAssumptions } from './prior.ts';
import { explainScore } from './reasons.ts';
import type { ColdStartScore } from './score.ts';
import { scoreIdOf } from './score-id.ts';
import { exposureTicket, type TicketPolicy } from './ticket.ts';
import type { Lane, UploadIdentity } from './upload.ts';

/** What stands behind the base rate: the bundle in use states the assumptions. */
export interface BaseRateContext {
  readonly assumptions: PriorAssumptions;
  readonly ticket: TicketPolicy;
  /** `name@version`. */
  readonly bundle: string;
  readonly bundleDigest: string;
  readonly planDigest: string;
  readonly calibrationDigest: string;
  readonly decoderBuild: string;
  readonly executionProvider: string;
}

/**
 * The platform's own prior with rho = 0: rank .5, ecr = the assumed mean. `missing` is empty, since nothing was looked
 * at; `rejection` says why. The id depends on the rejection's code and not on media or text, which may be unreadable.
 */
export function baseRateScore(
  identity: UploadIdentity,
  rejection: ErrorCode,
  at: { readonly context: BaseRateContext; readonly lane: Lane; readonly scoredAt: number },
): ColdStartScore {
  const { context } = at;
  const { strength, ...prior } = coldStartPrior({ rank: 0.5, rho: 0, assumptions: context.assumptions });
  const { uploadId, revision, uploadedAt } = identity;
  return {
    uploadId,
    revision,
    uploadedAt,
    scoreId: scoreIdOf({ ...context, uploadId, revision, mediaEtag: `rejected:${rejection}`, text: {} }),
    tier: 0,
    ...prior,
    calibrated: false,
    rank: 0.5,
    ticket: exposureTicket({ ...prior, strength }, context.ticket, at.scoredAt),
    reasons: explainScore({
      ecr: prior.ecr,
      rho: 0,
      assumptions: context.assumptions,
      z: 0,
      contributions: [],
      topK: 0,
    }),
    missing: [],
    rejection,
    bundle: context.bundle,
    bundleDigest: context.bundleDigest,
    planDigest: context.planDigest,
    executionProvider: context.executionProvider,
    lane: at.lane,
    timings: {},
    scoredAt: at.scoredAt,
  };
}
