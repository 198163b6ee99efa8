import { describe, expect, it } from 'vitest';
import { logit } from '../../../src/core/reasons.ts';
import { createScoreStage } from '../../../src/stages/score/score-stage.ts';
import { openScoringHead, type ScoringHead } from '../../../src/stages/score/scoring-head.ts';
import { starterBundle } from '../../support/starter-bundle.ts';
import { uploadFeatures } from '../../support/upload-fixtures.ts';

const bundle = await starterBundle();
const head = await openScoringHead(bundle);
const stage = createScoreStage({ bundle, head, now: () => 0 });
const live = { lane: 'live', scoredAt: 1_700_000_100_000 } as const;

describe('the score step', () => {
  it('gives a prior that is consistent in itself, with reasons that add up', () => {
    const score = stage.score(uploadFeatures(), live);
    expect(score.ecr).toBe(score.alpha / (score.alpha + score.beta));
    expect(score.lower).toBeLessThan(score.ecr);
    expect(score.upper).toBeGreaterThan(score.ecr);
    const sum = score.reasons.reduce((total, reason) => total + reason.contribution, 0);
    expect(Math.abs(sum - logit(score.ecr))).toBeLessThan(1e-9);
    expect(score.reasons[0]?.feature).toBe('intercept');
    expect(score.reasons.at(-1)?.feature).toBe('calibration');
    expect(score.reasons.some(({ feature }) => feature.startsWith('title:'))).toBe(true);
    expect(score.ticket.expiresAt).toBe(live.scoredAt + 72 * 3_600_000);
    expect(score).toMatchObject({
      tier: 1,
      calibrated: false,
      rejection: null,
      missing: [],
      bundle: 'starter@1.0.0',
      bundleDigest: bundle.digest,
      planDigest: 'plan',
      executionProvider: 'cpu',
      lane: 'live',
      timings: { extract: 20, embed: 30, score: 0 },
    });
  });

  it('gives the same score for the same features, and another id for another text', () => {
    const once = stage.score(uploadFeatures(), live);
    expect(stage.score(uploadFeatures(), live)).toEqual(once);
    expect(stage.score(uploadFeatures({ text: { title: 'another' } }), live).scoreId).not.toBe(once.scoreId);
    expect(stage.score(uploadFeatures(), { ...live, lane: 'backfill' }).scoreId).toBe(once.scoreId);
  });

  it('falls back to the platform’s mean, and says so, when nothing with weight is there', () => {
    const score = stage.score(uploadFeatures({ text: {}, missing: ['audio'] }), live);
    expect(score.ecr).toBeCloseTo(bundle.manifest.prior.meanEcr, 12);
    expect(score.rank).toBe(0.5);
    expect(score.missing).toEqual(['audio', 'text']);
    expect(score.reasons.map((reason) => reason.feature)).toEqual(['intercept', 'calibration']);
  });

  it('does not let a missing modality without weight change the prior', () => {
    const whole = stage.score(uploadFeatures(), live);
    const silent = stage.score(uploadFeatures({ missing: ['audio', 'video'] }), live);
    expect([silent.alpha, silent.beta, silent.ecr]).toEqual([whole.alpha, whole.beta, whole.ecr]);
    expect(silent.missing).toEqual(['audio', 'video']);
  });

  it('lets a caption add to what the title says', () => {
    const { caption: _none, ...text } = { ...uploadFeatures().text, caption: '' };
    const captioned = stage.score(
      uploadFeatures({ text: { ...text, caption: 'a cat walks over a keyboard' } }),
      live,
    );
    const plain = stage.score(uploadFeatures(), live);
    expect(captioned.reasons.some(({ feature }) => feature.startsWith('caption:'))).toBe(true);
    expect(captioned.alpha + captioned.beta).toBeGreaterThan(plain.alpha + plain.beta);
  });

  it.each([
    { z: Number.NaN, rank: 0.5 },
    { z: 1, rank: Number.NaN },
    { z: Number.POSITIVE_INFINITY, rank: 1 },
  ])('lets nothing out that is not finite: %o', (bad) => {
    const broken: ScoringHead = { score: () => ({ ...bad, present: ['text'], rho: 0.2, contributions: [] }) };
    const unsafe = createScoreStage({ bundle, head: broken });
    expect(() => unsafe.score(uploadFeatures(), live)).toThrow(
      expect.objectContaining({ code: 'VALUE_NOT_FINITE' }),
    );
  });

  it('gives a rejected upload the base rate at tier 0, with the code', () => {
    const moment = { ...live, decoderBuild: 'fake/1', executionProvider: 'cpu' };
    const { uploadId, revision, uploadedAt } = uploadFeatures();
    const score = stage.baseRate({ uploadId, revision, uploadedAt }, 'MEDIA_CORRUPT', moment);
    expect(score).toMatchObject({
      tier: 0,
      rejection: 'MEDIA_CORRUPT',
      rank: 0.5,
      calibrated: false,
      uploadId,
    });
    expect(score.ecr).toBeCloseTo(0.6, 12);
    expect(score.reasons.reduce((total, reason) => total + reason.contribution, 0)).toBeCloseTo(
      logit(score.ecr),
      12,
    );
    const again = stage.baseRate({ uploadId, revision, uploadedAt }, 'MEDIA_EMPTY', moment);
    expect(again.scoreId).not.toBe(score.scoreId);
  });
});
