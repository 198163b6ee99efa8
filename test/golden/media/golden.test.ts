/** The sample clips against what ffmpeg and NumPy say of them (make.py beside this file makes golden.json). */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLibavDecoder, type LibavDecoder } from '../../../src/adapters/media-libav/decoder.ts';
import { fileObject, requestFor, samplePath } from '../../support/media-objects.ts';

interface Golden {
  readonly ffmpeg: string;
  readonly block: number;
  readonly size: number;
  readonly clips: Readonly<Record<string, GoldenClip>>;
}

interface GoldenClip {
  readonly targets: readonly { readonly ptsMs: number; readonly md5: string }[];
  /** Target index to base64 of the RGB means of 8 x 8 blocks. */
  readonly rgbBlocks: Readonly<Record<string, string>>;
  readonly signals: Readonly<Record<string, number | null>>;
}

const golden = JSON.parse(readFileSync(new URL('./golden.json', import.meta.url), 'utf8')) as Golden;

/** Relative tolerance by what a signal is made of: native planes and samples are exact, scaled pictures are not. */
const EXACT = 1e-6;
const SCALED = 5e-3;
const TOLERANCE: Readonly<Record<string, number>> = {
  'video.colourfulness': SCALED,
  'video.changeBetweenTargets': SCALED,
  'video.motionBetweenTargets': SCALED,
  'audio.loudness': 1e-4,
  'audio.peak': 1e-4,
  'audio.speechBandShare': 1e-4,
};

/**
 * Scalers of FFmpeg builds differ by up to 20 codes at single pixels (chroma siting at coloured edges). Between 5.1 and
 * 8.1 the means of 8 x 8 blocks were seen to differ by up to 3.8, on average by less than 0.2.
 */
const BLOCK_TOLERANCE = { worst: 5, mean: 0.3 };

describe(`media against ffmpeg ${golden.ffmpeg} and NumPy`, () => {
  let decoder: LibavDecoder;

  beforeAll(async () => {
    decoder = await createLibavDecoder({ children: 1 });
  });

  afterAll(() => decoder?.close());

  it.each(Object.entries(golden.clips))('%s has the planes, pictures and signals', async (clip, expected) => {
    const request = requestFor(fileObject(samplePath(clip)));
    const { extraction, facts } = await decoder.decode(request, { planeHashes: true });
    const { video, signals } = extraction;
    const times = video?.targets.map(({ ptsMs }) => ptsMs) ?? [];
    expect(times.map(Math.round)).toEqual(expected.targets.map(({ ptsMs }) => Math.round(ptsMs)));
    expect(facts.planeHashes).toEqual([...new Set(expected.targets.map(({ md5 }) => md5))]);
    for (const [target, blocks] of Object.entries(expected.rgbBlocks)) {
      const means = blockMeans(video?.pixels ?? new Uint8Array(), Number(target));
      const wanted = Buffer.from(blocks, 'base64');
      const errors = means.map((value, index) => Math.abs(value - (wanted[index] ?? 0)));
      expect(Math.max(...errors), `target ${target}`).toBeLessThanOrEqual(BLOCK_TOLERANCE.worst);
      // Half a code of every block mean is lost to its rounding in the golden file, a quarter on average.
      const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length - 0.25;
      expect(mean, `target ${target}`).toBeLessThanOrEqual(BLOCK_TOLERANCE.mean);
    }
    for (const [name, value] of Object.entries(expected.signals)) {
      expectClose(name, signals[name] ?? null, value);
    }
  });
});

function expectClose(name: string, actual: number | null, expected: number | null): void {
  if (actual === null || expected === null) {
    expect(actual, name).toBe(expected);
    return;
  }
  const tolerance = (TOLERANCE[name] ?? EXACT) * Math.max(Math.abs(expected), 1e-3);
  expect(Math.abs(actual - expected), `${name}: ${actual} against ${expected}`).toBeLessThanOrEqual(
    tolerance,
  );
}

function blockMeans(pixels: Uint8Array, target: number): number[] {
  const { size, block } = golden;
  const cells = size / block;
  const sums = new Float64Array(cells * cells * 3);
  const start = target * size * size * 3;
  for (let i = 0; i < size * size * 3; i++) {
    const x = Math.floor((i / 3) % size);
    const y = Math.floor(i / 3 / size);
    const cell = (Math.floor(y / block) * cells + Math.floor(x / block)) * 3 + (i % 3);
    sums[cell] = (sums[cell] ?? 0) + (pixels[start + i] ?? 0);
  }
  return [...sums].map((sum) => sum / block / block);
}
