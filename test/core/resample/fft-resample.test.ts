import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fftResample } from '../../../src/core/resample/fft-resample.ts';

/** As in test/golden/resample/make_sound.py. */
const CASES = [
  [441, 160],
  [440, 160],
  [441, 161],
  [160, 441],
  [160, 440],
  [161, 441],
  [1000, 1000],
  [2205, 800],
  [7, 3],
  [999, 500],
] as const;

function source(count: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => Math.sin(i * 0.05) * 0.5 + ((i * 7919) % 211) / 422 - 0.25,
  );
}

const bytes = readFileSync(new URL('../../golden/resample/sound.bin', import.meta.url));
const golden = new Float32Array(new Uint8Array(bytes).buffer);

it.each(CASES)('resamples %i samples to %i as SciPy does', (from, to) => {
  const before = CASES.slice(
    0,
    CASES.findIndex((one) => one[0] === from && one[1] === to),
  );
  const start = before.reduce((sum, [, count]) => sum + count, 0);
  const wanted = golden.subarray(start, start + to);
  const ours = fftResample(source(from), to);
  expect(ours.length).toBe(to);
  ours.forEach((value, index) => {
    expect(Math.abs(value - (wanted[index] ?? Number.NaN)), `sample ${index}`).toBeLessThan(1e-6);
  });
});
