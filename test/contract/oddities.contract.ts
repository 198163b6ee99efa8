/** Media that is odd on purpose (test/fixtures/media), and what is decided about it (docs/specs/media.md, "Oddities"). */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { Extraction } from '../../src/core/extraction.ts';
import type { Decoder } from '../../src/stages/extract/decoder.ts';
import { fileObject, memoryObject, requestFor } from '../support/media-objects.ts';
import { floatWavBytes } from '../support/tiny-media.ts';

type Rgb = readonly [r: number, g: number, b: number];

const RED: Rgb = [255, 0, 0];
const BLUE: Rgb = [0, 0, 255];
const GREEN: Rgb = [0, 255, 0];
const WHITE: Rgb = [255, 255, 255];
const UPRIGHT = [RED, BLUE, GREEN, WHITE] as const;

/** `not`: files that a decoder takes otherwise; docs/specs/media.md says how. */
export function odditiesContract(
  name: string,
  open: () => Promise<Decoder>,
  not: readonly string[] = [],
): void {
  describe(`${name}, on odd media`, () => {
    vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
    let decoder: Decoder;

    beforeAll(async () => {
      decoder = await open();
    });

    afterAll(() => decoder?.close());

    const decode = (file: string) => {
      const path = fileURLToPath(new URL(`../fixtures/media/${file}`, import.meta.url));
      return decoder.extract(requestFor(fileObject(path), { deadlineMs: 60_000 }));
    };

    it.each([
      ['plain.mp4', UPRIGHT],
      ['rotated-90.mp4', [GREEN, RED, WHITE, BLUE]],
      ['rotated-180.mp4', [WHITE, GREEN, BLUE, RED]],
      ['rotated-270.mp4', [BLUE, WHITE, RED, GREEN]],
      ['flipped-across.mp4', [BLUE, RED, WHITE, GREEN]],
      ['flipped-down.mp4', [GREEN, WHITE, RED, BLUE]],
      ['sample-aspect.mp4', UPRIGHT],
      ['ten-bit.mp4', UPRIGHT],
      ['full-chroma.mp4', UPRIGHT],
      ['full-range.mp4', UPRIGHT],
      ['matrix-709.mp4', UPRIGHT],
      ['matrix-unstated.mp4', UPRIGHT],
      ['interlaced.mp4', UPRIGHT],
      ['odd-size.webm', UPRIGHT],
      ['one-frame.mp4', UPRIGHT],
      ['shorter-than-a-second.mp4', UPRIGHT],
      ['two-videos.mkv', UPRIGHT],
      ['default-video-wins.mkv', UPRIGHT],
      ['duration-zero.mp4', UPRIGHT],
      ['duration-ten-hours.mp4', UPRIGHT],
      ['eight-k.mp4', UPRIGHT],
    ] as const)('shows %s upright and in its colours', async (file, quarters) => {
      const extraction = await decode(file);
      expectQuarters(extraction, quarters);
    });

    it.each([
      ['rotated-90.mp4', { rotation: 90, displayWidth: 48, displayHeight: 64 }],
      ['rotated-270.mp4', { rotation: 270, displayWidth: 48, displayHeight: 64 }],
      ['flipped-across.mp4', { mirrored: true, displayWidth: 64, displayHeight: 48 }],
      ['sample-aspect.mp4', { width: 64, displayWidth: 128, displayHeight: 48 }],
    ])('states how %s is shown', async (file, facts) => {
      expect((await decode(file)).probe.video).toMatchObject(facts);
    });

    it.each(['hdr-pq.mp4', 'hdr-hlg.mp4'])('tone-maps %s: reference white is nearly white', async (file) => {
      const [colour] = quartersOf(await decode(file));
      for (const value of colour ?? []) {
        expect(value).toBeGreaterThan(205);
        expect(value).toBeLessThanOrEqual(255);
      }
    });

    // The picture's luma says which frame it is.
    it.each([
      // Frame n at n*n/20 s, in steps of 0.1 s: the latest at or before each second.
      ['frame-rate-varies.mp4', [0, 4, 6, 7, 9]],
      // Ten frames a second, and three seconds without any after the fifth.
      ['frame-gap.mp4', [0, 4, 4, 4, 10]],
      // A copy from 0.5 s: what the edit list cuts is not shown; 1.5 s are left.
      ['edit-list-cut.mp4', [5, 15, 19, 19, 19]],
      // Frames are decoded before they are shown: decoding times start below zero, offsets are negative.
      ['negative-offsets.mp4', [0, 10, 19, 19, 19]],
      // Times below zero are none in Matroska: the first four frames get 0, 0.1, 0.2 and 0.3 s; then the clock starts at 0 again.
      ...(not.includes('times-missing.mkv') ? [] : [['times-missing.mkv', [0, 14, 14, 14, 14]] as const]),
      // A stream of one second, twice: the clock runs backwards, and only what exceeds it counts.
      ['times-run-back.mpegts', [0, 9, 9, 9, 9]],
    ] as const)('answers the targets of %s from the clock', async (file, frames) => {
      expect(frameNumbers(await decode(file))).toEqual(frames);
    });

    it('puts sound and picture on one clock where an edit list delays the picture', async () => {
      const { video, audio } = await decode('edit-list-delay.mp4');
      expect(video?.targets[0]).toMatchObject({ ptsMs: 0 });
      // 1.2 s of sound, of which the first 0.6 s were over when the picture began.
      expect((audio?.samples.length ?? 0) / 16_000).toBeGreaterThan(0.5);
      expect((audio?.samples.length ?? 0) / 16_000).toBeLessThan(0.75);
    });

    it.each(['sound-only.m4a', 'cover-art.m4a'])('takes %s as sound without picture', async (file) => {
      const { video, audio, probe } = await decode(file);
      expect(video).toBeNull();
      expect(probe.video).toBeNull();
      expect(tonesOf(audio?.samples)).toBe(440);
    });

    it('hears the default one of several sound tracks', async () => {
      expect(tonesOf((await decode('two-sounds.mkv')).audio?.samples)).toBe(880);
    });

    it.skipIf(not.includes('ninety-six-channels.wav'))(
      'mixes ninety-six channels to their mean',
      async () => {
        const { audio } = await decode('ninety-six-channels.wav');
        expect(tonesOf(audio?.samples)).toBe(440);
        expect(Math.max(...(audio?.samples ?? []))).toBeGreaterThan(0.45);
        expect(Math.max(...(audio?.samples ?? []))).toBeLessThan(0.55);
      },
    );

    it('has no sound where there is none, and repeats the only frame', async () => {
      const { audio, video } = await decode('one-frame.mp4');
      expect(audio).toBeNull();
      expect(video?.targets.map(({ repeated }) => repeated)).toEqual([false, true, true, true, true]);
    });

    it('scores what is left of a file that was cut off', async () => {
      const extraction = await decode('truncated.mp4');
      expectQuarters(extraction, UPRIGHT);
      expect((extraction.audio?.samples.length ?? 0) / 16_000).toBeLessThan(2.9);
    });

    it.each([
      ['encrypted.mp4', 'MEDIA_ENCRYPTED'],
      ['index-missing.mp4', 'MEDIA_CORRUPT'],
    ] as const)('rejects %s as %s', async (file, code: ErrorCode) => {
      await expect(decode(file)).rejects.toMatchObject({ code, kind: 'terminal' });
    });

    it.each([
      ['NaN', Number.NaN],
      ['infinity', Number.POSITIVE_INFINITY],
      ['negative infinity', Number.NEGATIVE_INFINITY],
    ])('rejects sound with %s among its samples', async (_, odd) => {
      const samples = Float32Array.from({ length: 16_000 }, (__, i) =>
        i === 7_000 ? odd : Math.sin(i / 9) / 2,
      );
      const wav = decoder.extract(requestFor(memoryObject(floatWavBytes(samples)), { deadlineMs: 60_000 }));
      await expect(wav).rejects.toMatchObject({ code: 'VALUE_NOT_FINITE', kind: 'terminal' });
    });
  });
}

const SIDE = 224;

/** Mean colour of the middle of each quarter of the first picture, by rows. */
function quartersOf({ video }: Extraction): Rgb[] {
  const pixels = video?.pixels ?? new Uint8Array();
  return [0, 1, 2, 3].map((quarter) => {
    const sum = [0, 0, 0];
    const left = ((quarter % 2) * SIDE) / 2 + SIDE / 8;
    const top = (Math.floor(quarter / 2) * SIDE) / 2 + SIDE / 8;
    for (let y = top; y < top + SIDE / 4; y++) {
      for (let x = left; x < left + SIDE / 4; x++) {
        for (let c = 0; c < 3; c++) sum[c] = (sum[c] ?? 0) + (pixels[(y * SIDE + x) * 3 + c] ?? 0);
      }
    }
    const [r = 0, g = 0, b = 0] = sum.map((value) => value / (SIDE / 4) ** 2);
    return [r, g, b];
  });
}

function expectQuarters(extraction: Extraction, expected: readonly Rgb[]): void {
  const found = quartersOf(extraction);
  expected.forEach((colour, quarter) => {
    colour.forEach((value, c) => {
      const distance = Math.abs((found[quarter]?.[c] ?? 0) - value);
      expect(distance, `quarter ${quarter}: ${found[quarter]?.map(Math.round)} for ${colour}`).toBeLessThan(
        16,
      );
    });
  });
}

/** Frame n of the numbered fixtures is grey of code 16 + 10 n. */
function frameNumbers({ video }: Extraction): number[] {
  const size = SIDE * SIDE * 3;
  return (video?.targets ?? []).map((_, index) => {
    const value = video?.pixels[index * size + size / 2] ?? 0;
    return Math.round((value - 16) / 10);
  });
}

/** Frequency of a pure tone by its zero crossings, to the nearest 20 Hz. */
function tonesOf(samples: Float32Array | undefined): number {
  const middle =
    samples?.subarray(Math.floor(samples.length / 4), Math.floor((samples.length * 3) / 4)) ?? [];
  let crossings = 0;
  for (let i = 1; i < middle.length; i++) if ((middle[i - 1] ?? 0) < 0 !== (middle[i] ?? 0) < 0) crossings++;
  return Math.round(((crossings / 2) * 16_000) / middle.length / 20) * 20;
}
