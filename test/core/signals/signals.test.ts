/** Signals on material whose answer is known by construction; golden values of real clips are in test/golden/media. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeBetween, histogramDistance } from '../../../src/core/signals/change.ts';
import { colourfulness } from '../../../src/core/signals/colour.ts';
import { computeSignals } from '../../../src/core/signals/compute.ts';
import { RealFft } from '../../../src/core/signals/fft.ts';
import { samplePeak, silenceRatio } from '../../../src/core/signals/level.ts';
import { highPass, integratedLoudness, shelf } from '../../../src/core/signals/loudness.ts';
import { lumaStats, MAX_LUMA_PIXELS } from '../../../src/core/signals/luma.ts';
import { spectrumSignals } from '../../../src/core/signals/spectrum.ts';
import { SIGNAL_NAMES, SIGNALS } from '../../../src/core/signals/table.ts';

function plane(width: number, height: number, code: (x: number, y: number) => number, fullRange = true) {
  const data = Uint8Array.from({ length: width * height }, (_, i) => code(i % width, Math.floor(i / width)));
  return { data, width, height, stride: width, fullRange };
}

const sine = (hz: number, seconds: number, rate: number, amplitude = 1) =>
  Float32Array.from(
    { length: seconds * rate },
    (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rate),
  );

describe('luma', () => {
  it('of a flat picture is bright or dark and nothing else', () => {
    const stats = lumaStats(plane(64, 48, () => 255));
    expect(stats).toMatchObject({ brightness: 1, contrast: 0, si: 0, sharpness: 0, blockiness: 1 });
  });

  it('expands the limited range', () => {
    expect(lumaStats(plane(16, 16, () => 16, false)).brightness).toBe(0);
    expect(lumaStats(plane(16, 16, () => 235, false)).brightness).toBeCloseTo(1, 12);
    expect(lumaStats(plane(16, 16, () => 240, false)).brightness).toBe(1);
  });

  it('sees a grid of blocks, and none in a ramp', () => {
    const blocks = lumaStats(plane(128, 128, (x, y) => ((x >> 3) * 31 + (y >> 3) * 57) % 200));
    expect(blocks.blockiness).toBe(16);
    expect(lumaStats(plane(128, 128, (x, y) => x + (y >> 1))).blockiness).toBeLessThan(1.1);
  });

  it('has SI 0 for a ramp (one gradient everywhere) and more for stripes', () => {
    expect(lumaStats(plane(64, 64, (x) => x * 3)).si).toBeCloseTo(0, 9);
    expect(lumaStats(plane(64, 64, (x) => (x % 16 < 8 ? 40 : 200))).si).toBeGreaterThan(100);
  });

  it('estimates pictures over the cap from some of their rows', () => {
    const noise = (x: number, y: number) => ((x * 2654435761) ^ (y * 40503)) & 0xff;
    const width = 2048;
    const large = lumaStats(plane(width, (3 * MAX_LUMA_PIXELS) / width, noise));
    const small = lumaStats(plane(width, MAX_LUMA_PIXELS / width, noise));
    expect(large.si).toBeCloseTo(small.si ?? 0, 0);
    expect(large.brightness).toBeCloseTo(small.brightness, 2);
  });

  it('is defined down to one pixel', () => {
    expect(lumaStats(plane(1, 1, () => 51))).toEqual({
      ...{ brightness: 0.2, contrast: 0, si: null, sharpness: null, blockiness: null },
    });
  });
});

describe('colour and change', () => {
  const flat = (r: number, g: number, b: number) =>
    Uint8Array.from({ length: 300 }, (_, i) => [r, g, b][i % 3] ?? 0);

  it('finds no colour in grey', () => {
    expect(colourfulness(flat(90, 90, 90))).toBe(0);
    expect(colourfulness(flat(255, 0, 0))).toBeCloseTo(0.3 * Math.hypot(255, 127.5), 9);
  });

  it('counts a cut where the colours have nothing in common', () => {
    const [red, blue] = [flat(255, 0, 0), flat(0, 0, 255)];
    expect(histogramDistance(red, blue)).toBe(1);
    expect(changeBetween([red, red, blue])).toMatchObject({ cuts: 1 });
    expect(changeBetween([red])).toBeNull();
  });

  it('sees no motion in a fade: the whole picture changes alike', () => {
    const change = changeBetween([flat(0, 0, 0), flat(51, 51, 51)]);
    expect(change?.change).toBeCloseTo(0.2, 9);
    expect(change?.motion).toBeCloseTo(0, 5);
  });
});

describe('loudness', () => {
  it('has the filter coefficients of BS.1770-4 at 48 kHz', () => {
    const { b0, b1, b2, a1, a2 } = shelf(48_000);
    const table = [
      1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585,
    ];
    for (const [i, value] of [b0, b1, b2, a1, a2].entries()) expect(value).toBeCloseTo(table[i] ?? 0, 9);
    expect(highPass(48_000).a1).toBeCloseTo(-1.99004745483398, 9);
    expect(highPass(48_000).a2).toBeCloseTo(0.99007225036621, 9);
  });

  // EBU Tech 3341, table 1, cases 1 and 2: stereo sine of 1 kHz at -23 and -33 dBFS.
  it.each([-23, -33])('of a stereo 1 kHz sine at %i dBFS is that many LUFS', (level) => {
    for (const rate of [44_100, 48_000]) {
      const tone = sine(1000, 5, rate, 10 ** (level / 20));
      expect(integratedLoudness([tone, tone], rate, [1, 1])).toBeCloseTo(level, 1);
    }
  });

  it('passes over silence between loud parts (gate), and is null for silence or a blip', () => {
    const tone = sine(1000, 2, 48_000, 0.1);
    const gap = new Float32Array(48_000 * 5);
    gap.set(tone);
    const alone = integratedLoudness([tone], 48_000, [1]) ?? 0;
    expect(integratedLoudness([gap], 48_000, [1])).toBeCloseTo(alone, 0);
    expect(integratedLoudness([new Float32Array(48_000)], 48_000, [1])).toBeNull();
    expect(integratedLoudness([tone.subarray(0, 9600)], 48_000, [1])).toBeNull();
  });
});

describe('spectrum and level', () => {
  it('transforms as the definition of the DFT does', () => {
    const fft = new RealFft(64);
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 64, maxLength: 64 }),
        (values) => {
          const samples = Float32Array.from(values);
          const bins = fft.power(samples, 0);
          for (const k of [0, 1, 7, 31, 32]) expect(bins[k]).toBeCloseTo(dftPower(samples, k), 6);
        },
      ),
    );
  });

  it('finds speech-band energy where the tone is', () => {
    expect(spectrumSignals(sine(1000, 1, 16_000), 16_000).speechBandShare).toBeGreaterThan(0.999);
    expect(spectrumSignals(sine(6000, 1, 16_000), 16_000).speechBandShare).toBeLessThan(0.001);
    expect(spectrumSignals(new Float32Array(16_000), 16_000)).toEqual({
      onsetRate: 0,
      speechBandShare: null,
    });
  });

  it('counts clicks as onsets and a steady tone as none', () => {
    const clicks = new Float32Array(16_000 * 4);
    for (let at = 4000; at < clicks.length; at += 8000)
      for (let i = 0; i < 400; i++) clicks[at + i] = Math.sin(i) * 0.8;
    expect(spectrumSignals(clicks, 16_000).onsetRate).toBe(2);
    expect(spectrumSignals(sine(440, 4, 16_000, 0.5), 16_000).onsetRate).toBe(0);
  });

  it('measures peak and silence', () => {
    expect(samplePeak([Float32Array.of(0, -0.5), Float32Array.of(0.1)])).toBeCloseTo(-6.0206, 4);
    expect(samplePeak([new Float32Array(10)])).toBeNull();
    const half = sine(440, 2, 16_000, 0.5);
    half.fill(0, 16_000);
    expect(silenceRatio(half, 16_000)).toBeCloseTo(0.5, 2);
    expect(silenceRatio(new Float32Array(10), 16_000)).toBeNull();
  });
});

describe('all signals together', () => {
  const probe = { container: 'mov', sizeBytes: 0, durationMs: 0, bitRate: null, video: null, audio: null };

  it('are finite, in range or null, whatever comes in', () => {
    const wild = fc.float({ min: -4, max: 4, noNaN: false });
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 2000 }), fc.constantFrom(1, 8000, 16_000), (values, rate) => {
        const mono = Float32Array.from(values);
        const audio = { planes: [mono], nativeRate: rate, roles: ['centre' as const], mono, monoRate: rate };
        const signals = computeSignals({ ...probe, durationMs: Number.NaN }, null, audio);
        expect(Object.keys(signals)).toEqual(SIGNAL_NAMES);
        for (const name of SIGNAL_NAMES) {
          const value = signals[name];
          if (value === null || value === undefined) continue;
          const [low, high] = SIGNALS[name].range as readonly [number | null, number | null];
          expect(Number.isFinite(value) && value >= (low ?? value) && value <= (high ?? value), name).toBe(
            true,
          );
        }
      }),
    );
  });

  it('are null for what is missing', () => {
    const signals = computeSignals(probe, null, null);
    const known = SIGNAL_NAMES.filter((name) => signals[name] !== null);
    expect(known).toEqual(['media.duration']);
  });
});

function dftPower(samples: Float32Array, k: number): number {
  let re = 0;
  let im = 0;
  for (let i = 0; i < samples.length; i++) {
    const windowed = (samples[i] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / samples.length));
    re += windowed * Math.cos((2 * Math.PI * k * i) / samples.length);
    im -= windowed * Math.sin((2 * Math.PI * k * i) / samples.length);
  }
  return re * re + im * im;
}
