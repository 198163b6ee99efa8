/** Views and unions on real decodes. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLibavDecoder, type LibavDecoder } from '../../../src/adapters/media-libav/decoder.ts';
import { sha256Hex } from '../../../src/core/digest.ts';
import type { ExtractionPlan } from '../../../src/core/extraction.ts';
import type { PinnedObject } from '../../../src/stages/object-store.ts';
import { FIVE_SECONDS, fileObject, memoryObject, samplePath } from '../../support/media-objects.ts';
import { y4mBytes } from '../../support/tiny-media.ts';
import { expectUnionEqualsAlone, PATIENT_LIMITS } from '../../support/union-check.ts';
import { EVERY_FIT, EVERY_RULE } from '../../support/view-plans.ts';

const CLIPS = readdirSync(samplePath('.')).filter((name) => name.endsWith('.mp4'));
/** Reordered frames and sound; turned; no sound; sound that is silent. */
const UNION_CLIPS = ['rocket-launch.mp4', 'bunny-turned.mp4', 'deep-field.mp4'];
const ODD_FIXTURES = ['times-missing.mkv', 'times-run-back.mpegts', 'frame-rate-varies.mp4', 'one-frame.mp4'];
const fixturePath = (name: string) => fileURLToPath(new URL(`../../fixtures/media/${name}`, import.meta.url));
const limits = PATIENT_LIMITS;
let decoder: LibavDecoder;

beforeAll(async () => {
  decoder = await createLibavDecoder({ children: 1 });
});

afterAll(() => decoder?.close());

const alone = (object: PinnedObject, plan: ExtractionPlan) =>
  decoder.decode({ object, plan, limits }).then(({ extraction, facts }) => ({ ...extraction, facts }));

describe('views', () => {
  it.each(CLIPS)('of %s have the shapes and frames that their rules say', async (clip) => {
    const { views = {}, sounds = {}, video, facts } = await alone(fileObject(samplePath(clip)), EVERY_RULE);
    expect(facts.attempts).toBe(1);
    expect(Object.keys(views)).toEqual(Object.keys(EVERY_RULE.views ?? {}));
    expect(views.times?.dims).toEqual([5, 224, 224, 3]);
    expect(views.times?.frames.map(({ ptsMs }) => ptsMs)).toEqual(video?.targets.map(({ ptsMs }) => ptsMs));
    expect(views.runs?.dims).toEqual([2, 8, 48, 56, 3]);
    expect(views.fragments?.dims).toEqual([2, 4, 48, 48, 3]);
    expect(views.paced?.dims[0]).toBe(4);
    const [groups = 0, chunk] = views.dense?.dims ?? [];
    expect(chunk).toBe(16);
    const shown = views.dense?.frames.map(({ index }) => index) ?? [];
    expect(shown.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(shown.length).toBe(groups * 16);
    expect(Math.max(...(views.dense?.frames ?? []).map(({ ptsMs }) => ptsMs))).toBeLessThan(2000);
    expect(views.even?.frames.every(({ ptsMs }) => ptsMs >= 1000 && ptsMs < 4000)).toBe(true);
    // From 3 s on; it ends where the sound ends.
    const tail = sounds.tail?.samples.length ?? 48_000;
    expect(tail).toBeGreaterThan(32_000);
    expect(tail).toBeLessThanOrEqual(48_000);
  });

  it('show by number the frames that the opening pictures show by time, with the same pixels', async () => {
    const plan: ExtractionPlan = {
      ...EVERY_RULE,
      video: { ...EVERY_RULE.video, interpolation: 'pil-bicubic' },
    };
    for (const clip of UNION_CLIPS) {
      const { views, video } = await alone(fileObject(samplePath(clip)), plan);
      expect(sha256Hex((views?.times?.data as Uint8Array) ?? new Uint8Array()), clip).toBe(
        sha256Hex(video?.pixels ?? new Uint8Array()),
      );
    }
  });

  it('turn with the picture, and transpose what is wide', async () => {
    const upright = await alone(fileObject(samplePath('bunny-turned.mp4')), EVERY_FIT);
    expect(upright.views?.native?.dims).toEqual([1, 200, 112, 3]);
    const wide = await alone(fileObject(samplePath('bunny.mp4')), EVERY_FIT);
    expect(wide.views?.native?.dims).toEqual([1, 112, 200, 3]);
    expect(wide.views?.floats?.dims.slice(1)).toEqual([16, 48, 56, 3]);
    expect(wide.views?.floats?.type).toBe('float32');
    expect(wide.views?.pyramid?.dims).toEqual([2, 3, 112, 200, 3]);
  });

  it('are left out where there is no picture, as sounds are where there is no sound', async () => {
    const silent = await alone(fileObject(samplePath('deep-field.mp4')), EVERY_RULE);
    expect(silent.sounds).toBeUndefined();
    expect(Object.keys(silent.views ?? {}).length).toBeGreaterThan(0);
  });

  it('repeat the frames of a short video, and say so', async () => {
    const object = memoryObject(y4mBytes({ frames: 3, frameRate: 10 }));
    const { views } = await alone(object, EVERY_RULE);
    expect(views?.dense?.frames.map(({ index }) => index)).toEqual([0, ...Array<number>(15).fill(1)]);
    expect(views?.dense?.frames.map(({ repeated }) => repeated).indexOf(true)).toBe(2);
  });

  it.each(['times-missing.mkv', 'times-run-back.mpegts'])(
    'find their frames in %s, whose packets do not list them',
    async (name) => {
      const { views, video, facts } = await alone(fileObject(fixturePath(name)), EVERY_RULE);
      expect(facts.attempts).toBe(3);
      expect(views?.times?.frames.map(({ ptsMs }) => ptsMs)).toEqual(
        video?.targets.map(({ ptsMs }) => ptsMs),
      );
      const times = views?.dense?.frames.map(({ ptsMs }) => ptsMs) ?? [];
      expect(times.slice(0, 8)).toEqual([...times.slice(0, 8)].sort((a, b) => a - b));
    },
  );

  it('end as MEDIA_LIMIT when they would take more bytes than allowed', async () => {
    const request = {
      object: fileObject(samplePath('bunny.mp4')),
      plan: EVERY_RULE,
      limits: { ...limits, maxViewBytes: 100_000 },
    };
    await expect(decoder.extract(request)).rejects.toMatchObject({ code: 'MEDIA_LIMIT' });
  });
});

describe('a union of plans', () => {
  it.each(UNION_CLIPS)('gives every bundle of %s what its plan alone gives, bit for bit', async (clip) => {
    await expectUnionEqualsAlone(decoder, fileObject(samplePath(clip)));
  });

  it.each(ODD_FIXTURES)('holds on %s', async (name) => {
    await expectUnionEqualsAlone(decoder, fileObject(fixturePath(name)));
  });

  it('decodes once', async () => {
    const object = fileObject(samplePath('bunny.mp4'));
    const reads = { count: 0 };
    const counted: PinnedObject = {
      ...memoryObject(await object.read(0, object.sizeBytes)),
      read: async (offset, length) => {
        reads.count += length;
        return object.read(offset, length);
      },
    };
    await decoder.extractAll({ object: counted, plans: [EVERY_RULE], limits });
    const once = reads.count;
    await decoder.extractAll({ object: counted, plans: [EVERY_RULE, EVERY_FIT, FIVE_SECONDS], limits });
    expect(reads.count).toBe(2 * once);
  });
});
