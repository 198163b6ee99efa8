/** Sparse decode against full decode: the same planes, bit for bit, on every clip at hand. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLibavDecoder, type LibavDecoder } from '../../../src/adapters/media-libav/decoder.ts';
import { mediaFiles } from '../../contract/decoder.contract.ts';
import { fileObject, requestFor, samplePath } from '../../support/media-objects.ts';
import { sharedData } from '../../support/shared-data.ts';

let sparse: LibavDecoder;
let full: LibavDecoder;

beforeAll(async () => {
  sparse = await createLibavDecoder({ children: 1 });
  full = await createLibavDecoder({ children: 1, sparse: false });
});

afterAll(async () => {
  await sparse?.close();
  await full?.close();
});

async function both(path: string) {
  const request = requestFor(fileObject(path), { deadlineMs: 60_000 });
  const settle = (decoder: LibavDecoder) =>
    decoder.decode(request, { planeHashes: true }).catch((error: { readonly code: string }) => error.code);
  return Promise.all([settle(sparse), settle(full)]);
}

/** True when frames were skipped. */
async function expectEqual(path: string): Promise<boolean> {
  const [ours, reference] = await both(path);
  if (typeof ours === 'string' || typeof reference === 'string') {
    expect(ours, path).toBe(reference);
    return false;
  }
  expect(ours.facts.planeHashes, path).toEqual(reference.facts.planeHashes);
  expect(ours.extraction.video, path).toEqual(reference.extraction.video);
  expect(ours.extraction.audio, path).toEqual(reference.extraction.audio);
  expect(ours.extraction.signals, path).toEqual(reference.extraction.signals);
  return ours.facts.decodedFrames < reference.facts.decodedFrames;
}

describe('sparse decode', () => {
  it('equals a full decode on the sample clips, and skips frames of most', async () => {
    const clips = readdirSync(samplePath('.')).filter((name) => name.endsWith('.mp4'));
    const skipped = [];
    for (const clip of clips) if (await expectEqual(samplePath(clip))) skipped.push(clip);
    expect(skipped.length).toBeGreaterThan(clips.length / 2);
  });

  it('ends where a full decode ends when the pixels are used up, and repeats the last frame', async () => {
    const path = samplePath('bunny.mp4');
    const { extraction } = await sparse.decode(requestFor(fileObject(path), { deadlineMs: 60_000 }));
    const { width = 0, height = 0, frameRate } = extraction.probe.video ?? {};
    // Two and a half seconds of it.
    const maxDecodedPixels = Math.round(2.5 * (frameRate ?? 25)) * width * height;
    const request = requestFor(fileObject(path), { deadlineMs: 60_000, maxDecodedPixels });
    const [ours, reference] = await Promise.all([sparse, full].map((one) => one.decode(request)));
    expect(ours?.extraction.video).toEqual(reference?.extraction.video);
    const targets = ours?.extraction.video?.targets ?? [];
    expect(targets.map(({ repeated }) => repeated)).toEqual([false, false, false, false, true]);
    expect(targets[4]?.ptsMs).toBeLessThan(2_700);
    expect(targets[4]?.ptsMs).toBeGreaterThan(2_200);
    expect(ours?.facts.decodedFrames).toBeLessThan(reference?.facts.decodedFrames ?? 0);
  });

  const videos = sharedData('snapugc/videos');
  it.skipIf(videos === undefined)('equals a full decode on real uploads', { timeout: 300_000 }, async () => {
    for (const name of readdirSync(videos ?? ''))
      expect(await expectEqual(join(videos ?? '', name)), name).toBe(true);
  });

  const media = sharedData('media');
  it.skipIf(media === undefined)('equals a full decode on odd media', { timeout: 1_200_000 }, async () => {
    for (const path of mediaFiles(media ?? '')) await expectEqual(path);
  });
});
