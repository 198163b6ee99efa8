import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBatchingRunner } from '../../../src/adapters/inference-onnx/batching-runner.ts';
import { openOnnxInference } from '../../../src/adapters/inference-onnx/open.ts';
import { inferenceProfile } from '../../../src/adapters/inference-onnx/profile.ts';
import { openFolderRepository } from '../../../src/adapters/model-repository/folder-repository.ts';
import { verifyBundle } from '../../../src/adapters/model-repository/verify.ts';
import { logit } from '../../../src/core/reasons.ts';
import { describeUpload, type UploadText } from '../../../src/core/upload.ts';
import { createEmbedStage, type EmbedStage } from '../../../src/stages/embed/embed-stage.ts';
import type { Inference } from '../../../src/stages/embed/inference.ts';
import { openTextEncoders } from '../../../src/stages/embed/text-encoders.ts';
import type { LoadedBundle } from '../../../src/stages/model-repository.ts';
import { createScoreStage } from '../../../src/stages/score/score-stage.ts';
import { openScoringHead, type ScoringHead } from '../../../src/stages/score/scoring-head.ts';
import { modelsDir } from '../../support/starter-bundle.ts';
import { extraction, uploadEvent } from '../../support/upload-fixtures.ts';

let bundle: LoadedBundle;
let inference: Inference;
let embed: EmbedStage;
let head: ScoringHead;
beforeAll(async () => {
  bundle = await openFolderRepository(modelsDir).load('brucelyu17');
  const { policies, ...layout } = inferenceProfile(
    bundle.manifest,
    { provider: 'cpu', cores: 1 },
    { maxRows: 8, maxDelayMs: 5 },
  );
  inference = await openOnnxInference({ bundle, provider: 'cpu', ...layout });
  const runner = createBatchingRunner({ inference, policies });
  embed = createEmbedStage({ bundle, runner, encoders: await openTextEncoders(bundle) });
  head = await openScoringHead(bundle);
}, 120_000);
afterAll(() => inference.close());

const texts: readonly UploadText[] = [
  { title: 'a cat plays the piano' },
  { title: 'a cat', description: 'filmed at home, wait for the end' },
  { caption: 'A man in a red shirt talks to the camera.' },
  { title: 'so #funny 😀', description: 'مرحبا', caption: 'A dog rides a skateboard down a hill.' },
  { title: 'word '.repeat(5_000) },
];

function media(change: Parameters<typeof extraction>[0] = {}) {
  return { mediaEtag: 'e', decoderBuild: 'd', tookMs: 1, extraction: extraction(change) };
}

function upload({ caption, ...text }: UploadText) {
  const attributes: Record<string, string> = caption === undefined ? {} : { caption };
  const { title: _title, ...event } = uploadEvent({ attributes });
  return describeUpload({ ...event, ...text });
}

describe('brucelyu17', () => {
  it('computes here what it computed where it was made, from golden ids to golden scores', async () => {
    const checks = await verifyBundle(bundle, inference);
    expect(checks.length).toBeGreaterThan(12);
    for (const check of checks) expect(check, `${check.name}: ${check.detail}`).toMatchObject({ ok: true });
  });

  it('gives a text the same score alone, beside others, and with its media', async () => {
    const alone: number[] = [];
    for (const text of texts) alone.push(head.score({ ...(await embed.embedText(text)), signals: {} }).z);
    const together = await Promise.all(texts.map((text) => embed.embedText(text)));
    const [withMedia] = await Promise.all([embed.embed(upload(texts[3] ?? {}), media())]);
    together.forEach((features, i) => {
      expect(head.score({ ...features, signals: {} }).z).toBeCloseTo(alone[i] ?? Number.NaN, 5);
    });
    expect(head.score(withMedia).z).toBeCloseTo(alone[3] ?? Number.NaN, 5);
  });

  it('gives reasons that add up to logit(ecr), field by field', async () => {
    const score = createScoreStage({ bundle, head });
    const features = await embed.embed(upload(texts[3] ?? {}), media());
    const { ecr, reasons, rank, tier } = score.score(features, { lane: 'live', scoredAt: 1 });
    const sum = reasons.reduce((total, one) => total + one.contribution, 0);
    expect(Math.abs(sum - logit(ecr))).toBeLessThan(1e-9);
    expect({ tier, inside: rank > 0 && rank < 1 }).toEqual({ tier: 2, inside: true });
    const named = head.score(features).contributions.map((one) => one.feature);
    expect(named).toEqual(expect.arrayContaining(['title:word', 'title:trees', 'caption:trees']));
  });

  it('carries what the music means, and gives it no weight', async () => {
    const heard = await embed.embed(upload(texts[0] ?? {}), media());
    const silent = await embed.embed(upload(texts[0] ?? {}), media({ audio: null }));
    const music = heard.embeddings.find((one) => one.name === 'music')?.values ?? new Float32Array(0);
    expect(music.length).toBe(384);
    expect(Math.hypot(...music)).toBeGreaterThan(0.3);
    expect(silent.embeddings.map((one) => one.name)).not.toContain('music');
    expect(head.score(silent).z).toBeCloseTo(head.score(heard).z, 5);
    expect(bundle.manifest.head.weights).toMatchObject({ music: 0, audio: 0 });
  });

  it('knows nothing of an upload without a word', async () => {
    const features = await embed.embed(upload({ title: '!!!' }), media());
    expect(features.embeddings.map((one) => one.name)).toEqual(['audio.tags', 'music']);
    expect(head.score(features)).toMatchObject({ rank: 0.5, rho: 0 });
  });
});
