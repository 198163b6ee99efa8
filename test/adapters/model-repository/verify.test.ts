import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBatchingRunner } from '../../../src/adapters/inference-onnx/batching-runner.ts';
import { openOnnxInference } from '../../../src/adapters/inference-onnx/open.ts';
import { inferenceProfile } from '../../../src/adapters/inference-onnx/profile.ts';
import { verifyBundle } from '../../../src/adapters/model-repository/verify.ts';
import { describeUpload } from '../../../src/core/upload.ts';
import { createEmbedStage } from '../../../src/stages/embed/embed-stage.ts';
import type { Inference } from '../../../src/stages/embed/inference.ts';
import type { LoadedBundle } from '../../../src/stages/model-repository.ts';
import { createScoreStage } from '../../../src/stages/score/score-stage.ts';
import { openScoringHead } from '../../../src/stages/score/scoring-head.ts';
import { starterBundle } from '../../support/starter-bundle.ts';
import { extraction, uploadEvent } from '../../support/upload-fixtures.ts';

let bundle: LoadedBundle;
let inference: Inference;
beforeAll(async () => {
  bundle = await starterBundle();
  const profile = inferenceProfile(bundle.manifest, { provider: 'cpu', cores: 1 });
  inference = await openOnnxInference({ bundle, provider: 'cpu', ...profile });
});
afterAll(() => inference.close());

/** The bundle with other golden vectors. */
function withGolden(
  change: (golden: { cases: { tolerance: { absolute: number }; outputs: object; inputs: object }[] }) => void,
): LoadedBundle {
  return {
    ...bundle,
    read: async (file) => {
      const bytes = await bundle.read(file);
      if (file !== bundle.manifest.golden.file) return bytes;
      const golden = JSON.parse(new TextDecoder().decode(bytes));
      change(golden);
      return new TextEncoder().encode(JSON.stringify(golden));
    },
  };
}

describe('verifying a bundle', () => {
  it('finds that the bundle that ships computes here what it computed where it was made', async () => {
    const checks = await verifyBundle(bundle, inference);
    expect(checks.map((check) => check.name)).toEqual([
      'head',
      'golden:vision.vision',
      'golden:audio.tags',
      'golden:audio.audio',
    ]);
    for (const check of checks) expect(check, check.detail).toMatchObject({ ok: true });
  });

  it('finds a value that differs', async () => {
    const checks = await verifyBundle(
      withGolden((golden) => {
        const rows = Object.values(golden.cases[0]?.outputs ?? {})[0] as { first: number[] }[];
        rows[1]?.first.splice(3, 1, 0.5);
      }),
      inference,
    );
    expect(checks.filter((check) => !check.ok).map((check) => check.name)).toEqual(['golden:vision.vision']);
  });

  it('does not pass an output that no golden vector covers', async () => {
    const checks = await verifyBundle(
      withGolden((golden) => void golden.cases.pop()),
      inference,
    );
    expect(checks.filter((check) => !check.ok)).toMatchObject([
      { name: 'golden:audio.tags', detail: expect.stringContaining('no golden vector') },
      { name: 'golden:audio.audio' },
    ]);
  });

  it('refuses an input formula that it does not know', async () => {
    const unknown = withGolden((golden) => {
      Object.assign(golden.cases[0]?.inputs ?? {}, { frames: { formula: 'frames[i] = 1', count: 1 } });
    });
    await expect(verifyBundle(unknown, inference)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });
});

describe('the bundle that ships, from decoded media to a score', () => {
  it('embeds two uploads at once like each alone, and scores them', async () => {
    const { policies } = inferenceProfile(bundle.manifest, {
      provider: 'cpu',
      cores: availableParallelism(),
    });
    const runner = createBatchingRunner({ inference, policies });
    const stage = createEmbedStage({ bundle, runner });
    const score = createScoreStage({ bundle, head: await openScoringHead(bundle) });
    const upload = { mediaEtag: 'e', decoderBuild: 'd', tookMs: 1, extraction: extraction() };
    const dark = { ...upload, extraction: extraction({ audio: null }) };
    dark.extraction.video?.pixels.fill(3);
    const alone = await stage.embed(describeUpload(uploadEvent()), upload);
    const [again, other] = await Promise.all([
      stage.embed(describeUpload(uploadEvent()), upload),
      stage.embed(describeUpload(uploadEvent()), dark),
    ]);
    for (const [i, { values }] of again.embeddings.entries()) {
      const reference = alone.embeddings[i]?.values ?? [];
      expect(
        Math.max(...values.map((value, k) => Math.abs(value - (reference[k] ?? Number.NaN)))),
      ).toBeLessThan(1e-5);
    }
    expect(other.missing).toEqual(['audio']);
    expect(other.embeddings[0]?.values).not.toEqual(again.embeddings[0]?.values);
    const { ecr, reasons } = score.score(again, { lane: 'live', scoredAt: 1 });
    expect(ecr).toBeGreaterThan(0.3);
    expect(ecr).toBeLessThan(0.9);
    expect(reasons.length).toBeGreaterThan(2);
  });
});
