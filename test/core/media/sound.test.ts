import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clampSamples, layOnWindow, mixToMono } from '../../../src/core/media/audio-timeline.ts';
import { channelRoles, loudnessWeights, monoCoefficients } from '../../../src/core/media/channels.ts';
import { chooseAudio, chooseVideo } from '../../../src/core/media/streams.ts';

const RATE = 1000;
const chunk = (atMs: number | undefined, ...values: number[]) => ({
  atMs,
  planes: [Float32Array.from(values)],
});
const laid = (chunks: Parameters<typeof layOnWindow>[0], end = 10) => [
  ...(layOnWindow(chunks, RATE, [0, end]).planes[0] ?? []),
];

describe('sound on the window', () => {
  it('keeps chunks back to back when their times only jitter', () => {
    expect(laid([chunk(0, 1, 2), chunk(9, 3, 4)])).toEqual([1, 2, 3, 4]);
  });

  it('cuts what comes before the window and after it', () => {
    expect(laid([chunk(-2, 1, 2, 3, 4)], 1)).toEqual([3]);
  });

  it('starts with silence where the sound starts late', () => {
    expect(laid([chunk(3, 5)])).toEqual([0, 0, 0, 5]);
  });

  it('fills gaps with silence', () => {
    const out = laid([chunk(0, 1), chunk(30, 2)], 100);
    expect(out.length).toBe(31);
    expect([out[0], out[15], out[30]]).toEqual([1, 0, 2]);
  });

  it('keeps what came first where chunks overlap', () => {
    const long = Array.from({ length: 50 }, (_, i) => i + 1);
    const out = laid([chunk(0, ...long), chunk(20, ...Array(50).fill(99))], 100);
    expect(out.slice(0, 50)).toEqual(long);
    expect(out.slice(50)).toEqual(Array(20).fill(99));
  });

  it('is empty when all of it lies outside, and never longer than the window', () => {
    expect(laid([chunk(500, 1)])).toEqual([]);
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            at: fc.option(fc.integer({ min: -200, max: 200 }), { nil: undefined }),
            n: fc.nat(60),
          }),
        ),
        (chunks) => {
          const out = laid(
            chunks.map(({ at, n }) => chunk(at, ...Array(n).fill(1))),
            100,
          );
          expect(out.length).toBeLessThanOrEqual(100);
        },
      ),
    );
  });
});

describe('mixing to mono', () => {
  it('keeps full scale at full scale: stereo is the mean', () => {
    const roles = channelRoles(2, 0x3n);
    const mono = mixToMono([Float32Array.of(1, 1), Float32Array.of(1, 0)], monoCoefficients(roles));
    expect([...mono]).toEqual([1, 0.5]);
  });

  it('leaves the LFE out, and puts surround below the centre', () => {
    const roles = channelRoles(6, 0x3fn);
    expect(roles).toEqual(['front', 'front', 'centre', 'lfe', 'surround', 'surround']);
    const gains = monoCoefficients(roles);
    expect(gains.reduce((sum, gain) => sum + gain, 0)).toBeCloseTo(1, 12);
    expect(gains[3]).toBe(0);
    expect((gains[0] ?? 0) / (gains[2] ?? 1)).toBeCloseTo(Math.SQRT1_2, 12);
    expect((gains[4] ?? 0) / (gains[2] ?? 1)).toBeCloseTo(0.5, 12);
    expect(loudnessWeights(roles)).toEqual([1, 1, 1, 0, 1.41, 1.41]);
  });

  it('averages channels whose positions nobody states', () => {
    expect(monoCoefficients(channelRoles(4, 0n))).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(monoCoefficients(channelRoles(96, 0x3n)).every((gain) => Math.abs(gain - 1 / 96) < 1e-12)).toBe(
      true,
    );
  });

  it('turns what is not a number into silence and limits the rest', () => {
    expect([...mixToMono([Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 0.5)], [1])]).toEqual([
      0, 0, 0.5,
    ]);
    expect([...clampSamples(Float32Array.of(2, -3, Number.NaN, 0.25))]).toEqual([1, -1, 0, 0.25]);
  });
});

describe('choosing tracks', () => {
  const video = (index: number, width: number, more: object = {}) => ({
    ...{ index, width, height: 10, isDefault: false, attachedPicture: false },
    ...more,
  });

  it('never takes cover art for video', () => {
    expect(chooseVideo([video(0, 4000, { attachedPicture: true })])).toBeUndefined();
    expect(chooseVideo([video(0, 4000, { attachedPicture: true }), video(1, 10)])?.index).toBe(1);
  });

  it('prefers default tracks, then size, then order', () => {
    expect(chooseVideo([video(0, 100), video(1, 10, { isDefault: true })])?.index).toBe(1);
    expect(chooseVideo([video(0, 10), video(1, 100)])?.index).toBe(1);
    expect(chooseVideo([video(0, 10), video(1, 10)])?.index).toBe(0);
    expect(
      chooseAudio([
        { index: 1, channels: 2, isDefault: true },
        { index: 2, channels: 6, isDefault: true },
      ])?.index,
    ).toBe(2);
  });
});
