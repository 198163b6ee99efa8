import { describe, expect, it } from 'vitest';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { DEFAULT_DECODE_LIMITS } from '../../../src/core/extraction.ts';
import type { DecodeRequest, Decoder } from '../../../src/stages/extract/decoder.ts';
import { createExtractStage } from '../../../src/stages/extract/extract-stage.ts';
import type { ObjectStore, PinnedObject } from '../../../src/stages/object-store.ts';
import { starterBundle } from '../../support/starter-bundle.ts';
import { extraction } from '../../support/upload-fixtures.ts';

const { manifest } = await starterBundle();

function setUp(extract: Decoder['extract']) {
  let closed = 0;
  const opened: PinnedObject = {
    uri: 'clip.mp4',
    sizeBytes: 3,
    etag: 'etag-9',
    read: async () => new Uint8Array(0),
    close: async () => {
      closed++;
    },
  };
  const store: ObjectStore = {
    open: async (uri) => {
      if (uri !== opened.uri) throw new FirstFiveError('MEDIA_NOT_FOUND', 'there is no such object');
      return opened;
    },
    get: () => Promise.reject(new Error('not asked for')),
    putIfAbsent: () => Promise.reject(new Error('not asked for')),
    delete: () => Promise.reject(new Error('not asked for')),
  };
  const decoder: Decoder = { build: 'fake/1', extract, close: async () => {} };
  let time = 0;
  const now = () => {
    time += 7;
    return time;
  };
  const plan = manifest.extractionPlan;
  const stage = createExtractStage({ store, decoder, plan, limits: DEFAULT_DECODE_LIMITS, now });
  return { stage, opened, closed: () => closed };
}

describe('the extract step', () => {
  it('has the pinned object decoded by the bundle’s plan, and closes it', async () => {
    const requests: DecodeRequest[] = [];
    const { stage, opened, closed } = setUp(async (request) => {
      requests.push(request);
      return extraction();
    });
    const extracted = await stage.extract('clip.mp4');
    expect(extracted).toMatchObject({ mediaEtag: 'etag-9', decoderBuild: 'fake/1', tookMs: 7 });
    expect(requests).toEqual([
      { object: opened, plan: manifest.extractionPlan, limits: DEFAULT_DECODE_LIMITS },
    ]);
    expect(closed()).toBe(1);
  });

  it('closes the object when decoding fails', async () => {
    const { stage, closed } = setUp(() => Promise.reject(new FirstFiveError('MEDIA_CORRUPT', 'broken')));
    await expect(stage.extract('clip.mp4')).rejects.toMatchObject({ code: 'MEDIA_CORRUPT' });
    expect(closed()).toBe(1);
  });

  it('passes on what the store says', async () => {
    const { stage, closed } = setUp(async () => extraction());
    await expect(stage.extract('other.mp4')).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' });
    expect(closed()).toBe(0);
  });
});
