import { describe, expect, it } from 'vitest';
import type { BundleManifest } from '../../../src/core/bundle.ts';
import { planDigest } from '../../../src/core/digest.ts';
import type { Extraction } from '../../../src/core/extraction.ts';
import { describeUpload } from '../../../src/core/upload.ts';
import { createEmbedStage } from '../../../src/stages/embed/embed-stage.ts';
import type { GraphRunner } from '../../../src/stages/embed/graph-runner.ts';
import type { NamedTensors } from '../../../src/stages/embed/inference.ts';
import { starterBundle } from '../../support/starter-bundle.ts';
import { extraction, uploadEvent } from '../../support/upload-fixtures.ts';

const bundle = await starterBundle();

/** Answers with the first value of each row, repeated over the output's width. */
function fakeRunner() {
  const calls = new Map<string, NamedTensors>();
  const runner: GraphRunner = {
    executionProvider: 'cpu',
    run: async (graph, rows) => {
      calls.set(graph, rows);
      const input = Object.values(rows)[0];
      const count = input?.dims[0] ?? 0;
      const width = (input?.data.length ?? 0) / count;
      return Object.fromEntries(
        (bundle.manifest.graphs[graph]?.outputs ?? []).map(({ name, shape }) => {
          const dim = Number(shape[1] ?? 1);
          const data = Float32Array.from(
            { length: count * dim },
            (_, i) => input?.data[Math.floor(i / dim) * width] ?? 0,
          );
          return [name, { type: 'float32', dims: [count, dim], data } as const];
        }),
      );
    },
  };
  return { runner, calls };
}

function embed(change: Partial<Extraction> = {}) {
  const { runner, calls } = fakeRunner();
  const stage = createEmbedStage({ bundle, runner, now: () => 0 });
  const extracted = {
    mediaEtag: 'etag-1',
    decoderBuild: 'fake/1',
    extraction: extraction(change),
    tookMs: 21,
  };
  const event = uploadEvent({ title: 'so #funny 😀', attributes: { caption: 'a dog' } });
  return { features: stage.embed(describeUpload(event), extracted), calls };
}

describe('the embed step', () => {
  it('runs every graph of the bundle and keeps its features in order', async () => {
    const { features, calls } = embed();
    const { embeddings, missing, producer, timings } = await features;
    expect(embeddings.map(({ name, values }) => [name, values.length])).toEqual([
      ['vision', 1280],
      ['audio.tags', 50],
      ['audio', 200],
    ]);
    expect(embeddings[0]?.model).toMatch(/^starter@1\.0\.0\/vision#[0-9a-f]{12}$/);
    expect(calls.get('vision')?.frames?.dims).toEqual([5, 224, 224, 3]);
    expect(missing).toEqual([]);
    expect(producer).toEqual({
      bundle: 'starter@1.0.0',
      bundleDigest: bundle.digest,
      planDigest: planDigest(bundle.manifest.extractionPlan),
      decoderBuild: 'fake/1',
      executionProvider: 'cpu',
    });
    expect(timings).toMatchObject({
      extract: 21,
      'extract.decode': 12,
      embed: 0,
      'embed.vision': 0,
      'embed.audio': 0,
    });
  });

  it('pools frames by their mean', async () => {
    const { embeddings } = await embed().features;
    expect(embeddings[0]?.values.every((value) => value === (40 + 80 + 120 + 160 + 200) / 5)).toBe(true);
  });

  it('pads short sound with zeros and says how much of it is real', async () => {
    const { calls, features } = embed();
    await features;
    const audio = calls.get('audio');
    expect(audio?.wave?.dims).toEqual([1, 80_000]);
    expect(audio?.wave?.data[15_999]).not.toBe(0);
    expect(audio?.wave?.data.subarray(16_000).every((value) => value === 0)).toBe(true);
    expect([...(audio?.samples?.data ?? [])]).toEqual([16_000]);
  });

  it('cuts sound that is longer than the window', async () => {
    const { calls, features } = embed({
      audio: { sampleRate: 16_000, samples: new Float32Array(90_000).fill(1) },
    });
    await features;
    expect(calls.get('audio')?.wave?.data.length).toBe(80_000);
    expect([...(calls.get('audio')?.samples?.data ?? [])]).toEqual([80_000]);
  });

  it.each([
    ['audio', { audio: null }, ['vision']],
    ['audio', { audio: { sampleRate: 16_000, samples: new Float32Array(0) } }, ['vision']],
    ['video', { video: null }, ['audio.tags', 'audio']],
  ] as const)('marks missing %s and embeds the rest', async (modality, change, expected) => {
    const { missing, embeddings } = await embed(change).features;
    expect(missing).toEqual([modality]);
    expect(embeddings.map((one) => one.name)).toEqual(expected);
  });

  it('normalises the text once, for every later use', async () => {
    expect((await embed().features).text).toEqual({ title: 'so  funny  grinning face ', caption: 'a dog' });
  });

  it('gives embeddings memory of their own', async () => {
    const { embeddings } = await embed().features;
    for (const { values } of embeddings) expect(values.buffer.byteLength).toBe(values.byteLength);
  });

  it('refuses a bundle whose graphs want what its plan does not yield', () => {
    const { runner } = fakeRunner();
    const change = (name: string, shape: readonly ['n', ...number[]]): BundleManifest => {
      const vision = bundle.manifest.graphs.vision;
      if (vision === undefined) throw new Error('the bundle has no vision graph');
      const graphs = {
        ...bundle.manifest.graphs,
        vision: { ...vision, inputs: [{ name, type: 'uint8' as const, shape }] },
      };
      return { ...bundle.manifest, graphs };
    };
    const create = (manifest: BundleManifest) => () =>
      createEmbedStage({ bundle: { ...bundle, manifest }, runner });
    expect(create(change('frames', ['n', 256, 256, 3]))).toThrow(/wants uint8 \[n, 256, 256, 3\]/);
    expect(create(change('pixels', ['n', 224, 224, 3]))).toThrow(/input pixels is not one of/);
  });
});
