import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFolderStore } from '../../../src/adapters/objects-folder/folder-store.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { DEFAULT_DECODE_LIMITS, type Extraction, type ExtractionPlan } from '../../../src/core/extraction.ts';
import { extractionKey } from '../../../src/core/extraction-key.ts';
import { describeUpload } from '../../../src/core/upload.ts';
import type { Decoder } from '../../../src/stages/extract/decoder.ts';
import { createExtractStage, type UnionExtractStage } from '../../../src/stages/extract/extract-stage.ts';
import { createExtractionCache } from '../../../src/stages/extract/extraction-cache.ts';
import { loadExtraction, storeExtraction } from '../../../src/stages/extract/stored-extraction.ts';
import type { ObjectStore } from '../../../src/stages/object-store.ts';
import { FIVE_SECONDS } from '../../support/media-objects.ts';
import { extraction, uploadEvent } from '../../support/upload-fixtures.ts';

const IDENTITY = { uri: 'a.mp4', etag: 'e1', sizeBytes: 3, planDigest: 'p1', decoderBuild: 'fake/1' };

const rich: Extraction = {
  ...extraction(),
  views: {
    chunks: {
      type: 'uint8',
      dims: [1, 2, 1, 1, 3],
      frames: [
        { index: 0, ptsMs: 0, repeated: false },
        { index: 0, ptsMs: 0, repeated: true },
      ],
      data: Uint8Array.of(1, 2, 3, 1, 2, 3),
    },
    floats: { type: 'float32', dims: [1, 1, 1, 3], frames: [], data: Float32Array.of(-0.5, 0, 255.5) },
  },
  sounds: { beats: { sampleRate: 16_000, samples: Float32Array.of(0.25, -1) } },
};

let root: string;
let store: ObjectStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'extraction-cache-'));
  store = openFolderStore({ root });
});

afterEach(() => rm(root, { recursive: true }));

function withoutTimings({ timings: _, ...rest }: Extraction) {
  return rest;
}

describe('the cache of extractions', () => {
  it('gives back what was kept, every part of it', async () => {
    const cache = createExtractionCache(store);
    expect(await cache.find(IDENTITY)).toBeUndefined();
    await cache.keep(IDENTITY, rich);
    const found = await cache.find(IDENTITY);
    expect(found && withoutTimings(found.extraction)).toEqual(withoutTimings(rich));
  });

  it.each(['uri', 'etag', 'planDigest', 'decoderBuild'] as const)(
    'does not answer for another %s',
    async (field) => {
      const cache = createExtractionCache(store);
      await cache.keep(IDENTITY, rich);
      expect(await cache.find({ ...IDENTITY, [field]: 'other' })).toBeUndefined();
      expect(await cache.find({ ...IDENTITY, sizeBytes: 4 })).toBeUndefined();
    },
  );

  it('takes a damaged entry, and one whose parts were collected, for none, and makes it anew', async () => {
    const cache = createExtractionCache(store);
    const { stored } = await cache.keep(IDENTITY, rich);
    await store.delete(stored.video?.pixels.key ?? '');
    expect(await cache.find(IDENTITY)).toBeUndefined();
    await cache.keep(IDENTITY, rich);
    expect((await cache.find(IDENTITY))?.extraction.video).toEqual(rich.video);
    await store.delete(extractionKey(IDENTITY));
    await store.putIfAbsent(extractionKey(IDENTITY), new TextEncoder().encode('{"form":1'));
    expect(await cache.find(IDENTITY)).toBeUndefined();
    await store.putIfAbsent(extractionKey(IDENTITY), new TextEncoder().encode('{"form":1}'));
    expect(await cache.find(IDENTITY)).toBeUndefined();
    await cache.keep(IDENTITY, rich);
    expect(await cache.find(IDENTITY)).toBeDefined();
  });

  it('passes on that the store cannot be reached', async () => {
    const get = () => Promise.reject(new FirstFiveError('STORE_UNAVAILABLE', 'no route'));
    const cache = createExtractionCache({ ...store, get });
    await expect(cache.find(IDENTITY)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('the extract step with a cache', () => {
  function stageOf(decode: Decoder['extract'], build = 'fake/1', extractAll?: Decoder['extractAll']) {
    const media = { ...store, open: async (uri: string) => ({ uri, etag: 'e', sizeBytes: 1, read, close }) };
    const read = async () => new Uint8Array(0);
    const close = async () => {};
    const decoder = { build, extract: decode, close, ...(extractAll === undefined ? {} : { extractAll }) };
    const cache = createExtractionCache(store);
    return createExtractStage({
      store: media,
      decoder,
      plan: FIVE_SECONDS,
      limits: DEFAULT_DECODE_LIMITS,
      cache,
    });
  }

  it('decodes an upload once, whoever asks again', async () => {
    let decodes = 0;
    const decode = async () => {
      decodes++;
      return rich;
    };
    const first = await stageOf(decode).extract('a.mp4');
    const second = await stageOf(decode).extract('a.mp4');
    expect(decodes).toBe(1);
    expect(withoutTimings(second.extraction)).toEqual(withoutTimings(first.extraction));
    await stageOf(decode, 'fake/2').extract('a.mp4');
    expect(decodes).toBe(2);
  });

  it('decodes for several plans together what is not kept, and only that', async () => {
    const other: ExtractionPlan = { ...FIVE_SECONDS, windowMs: [0, 3000] };
    const asked: (readonly ExtractionPlan[])[] = [];
    const alone: Decoder['extract'] = async ({ plan }) => {
      asked.push([plan]);
      return rich;
    };
    const together: Decoder['extractAll'] = async ({ plans }) => {
      asked.push(plans);
      return plans.map((plan) => ({ ...rich, signals: { end: plan.windowMs[1] } }));
    };
    const ends = async (stage: UnionExtractStage, plans: readonly ExtractionPlan[]) =>
      (await stage.extractFor('b.mp4', plans)).map(({ extraction: { signals } }) => signals.end);
    const third: ExtractionPlan = { ...FIVE_SECONDS, windowMs: [0, 2000] };
    const stage = stageOf(alone, 'fake/1', together);
    expect(await ends(stage, [FIVE_SECONDS, other])).toEqual([5000, 3000]);
    expect(await ends(stage, [other, FIVE_SECONDS])).toEqual([3000, 5000]);
    expect(await ends(stage, [third, other, { ...third, windowMs: [0, 1000] }])).toEqual([2000, 3000, 1000]);
    expect(asked.map((plans) => plans.map(({ windowMs }) => windowMs[1]))).toEqual([
      [5000, 3000],
      [2000, 1000],
    ]);
    await stageOf(alone).extractFor('c.mp4', [FIVE_SECONDS, other]);
    expect(asked.slice(2)).toEqual([[FIVE_SECONDS], [other]]);
  });

  it('keeps no rejection', async () => {
    const reject = () => Promise.reject(new FirstFiveError('MEDIA_CORRUPT', 'broken'));
    await expect(stageOf(reject).extract('a.mp4')).rejects.toMatchObject({ code: 'MEDIA_CORRUPT' });
    expect(await readdir(root)).not.toContain('extractions');
    await stageOf(async () => rich).extract('a.mp4');
  });

  it('hands its claim checks to the record, so that nothing is written twice', async () => {
    const media = await stageOf(async () => rich).extract('a.mp4');
    let puts = 0;
    const counting: ObjectStore = {
      ...store,
      putIfAbsent: (key, bytes) => {
        puts++;
        return store.putIfAbsent(key, bytes);
      },
    };
    await storeExtraction(counting, describeUpload(uploadEvent()), { media, planDigest: 'p' });
    // The document of views and sounds alone.
    expect(puts).toBe(1);
  });
});

describe('the record between an extract stage and an embed stage', () => {
  it('carries views and sounds by claim check', async () => {
    const media = { mediaEtag: 'e', decoderBuild: 'fake/1', extraction: rich, tookMs: 5 };
    const stored = await storeExtraction(store, describeUpload(uploadEvent()), { media, planDigest: 'p' });
    const loaded = await loadExtraction(store, stored);
    expect(loaded).toEqual(media);
    await store.delete(stored.further?.key ?? '');
    await expect(loadExtraction(store, stored)).rejects.toMatchObject({ code: 'ARTEFACT_MISSING' });
  });

  it('has no such document for a plan of opening pictures and sound', async () => {
    const media = { mediaEtag: 'e', decoderBuild: 'fake/1', extraction: extraction(), tookMs: 5 };
    const stored = await storeExtraction(store, describeUpload(uploadEvent()), { media, planDigest: 'p' });
    expect(stored.further).toBeNull();
    expect(await loadExtraction(store, stored)).toEqual(media);
  });
});
