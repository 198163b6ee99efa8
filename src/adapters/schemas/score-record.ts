/** Mapping of the ranking topic's record. */
import type { ErrorCode } from '../../core/errors.ts';
import type { ColdStartScore } from '../../core/score.ts';
import type { RecordMapping } from './avro-serde.ts';
import { identityFromRaw, requireIdentity } from './media-records.ts';

export interface RawScore extends Omit<ColdStartScore, 'uploadId' | 'rejection'> {
  readonly uploadId: string;
  readonly rejection: string | null;
}

export const scoreMapping: RecordMapping<ColdStartScore, RawScore> = {
  toRaw: (score) => requireIdentity(score),
  fromRaw(raw) {
    const { impressions, breakEven, expiresAt } = raw.ticket;
    return {
      ...identityFromRaw(raw),
      scoreId: raw.scoreId,
      tier: raw.tier,
      ecr: raw.ecr,
      calibrated: raw.calibrated,
      rank: raw.rank,
      alpha: raw.alpha,
      beta: raw.beta,
      lower: raw.lower,
      upper: raw.upper,
      ticket: { impressions, breakEven, expiresAt },
      reasons: raw.reasons.map(({ feature, contribution }) => ({ feature, contribution })),
      missing: [...raw.missing],
      // A code that a newer version added passes through as it is.
      rejection: raw.rejection as ErrorCode | null,
      bundle: raw.bundle,
      bundleDigest: raw.bundleDigest,
      planDigest: raw.planDigest,
      executionProvider: raw.executionProvider,
      lane: raw.lane,
      timings: { ...raw.timings },
      scoredAt: raw.scoredAt,
    };
  },
};
