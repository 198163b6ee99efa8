/** The resampler against arrays that Pillow, PyTorch and OpenCV made (make.py beside this file). */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/core/digest.ts';
import { INTERPOLATION_NAMES, type Interpolation } from '../../../src/core/resample/interpolation.ts';
import { type Pixels, resample, resampleFloat } from '../../../src/core/resample/resample.ts';
import { patternPixels } from '../../support/pattern-pixels.ts';

interface Case {
  readonly name: Interpolation;
  readonly from: readonly [height: number, width: number];
  readonly to: readonly [height: number, width: number];
  readonly type: 'uint8' | 'float32';
  readonly at?: number;
  readonly bytes?: number;
  readonly sha256?: string;
}

const golden = JSON.parse(readFileSync(new URL('./cases.json', import.meta.url), 'utf8')) as {
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
};
const arrays = gunzipSync(readFileSync(new URL('./arrays.bin.gz', import.meta.url)));

/** PyTorch sums in float32 and may fuse multiplications; of 255 this is the greatest difference allowed. */
const FLOAT_TOLERANCE = 1e-3;

function run({ name, from, to }: Case): {
  readonly source: Pixels;
  readonly size: { width: number; height: number };
} {
  expect(INTERPOLATION_NAMES).toContain(name);
  return { source: patternPixels(from[1], from[0]), size: { width: to[1], height: to[0] } };
}

const label = (one: Case) => `${one.name} ${one.from.join('x')} to ${one.to.join('x')}`;
const exact = golden.cases.filter(({ type }) => type === 'uint8').map((one) => [label(one), one] as const);
const floats = golden.cases.filter(({ type }) => type === 'float32').map((one) => [label(one), one] as const);

describe(`resampling against ${JSON.stringify(golden.versions)}`, () => {
  it('has cases for every interpolation', () => {
    expect([...new Set(golden.cases.map(({ name }) => name))].sort()).toEqual(
      [...INTERPOLATION_NAMES].sort(),
    );
  });

  it.each(exact)('%s has every byte', (_, one) => {
    const { source, size } = run(one);
    const { data } = resample(source, size, one.name);
    if (one.sha256 !== undefined) expect(sha256Hex(data)).toBe(one.sha256);
    else expect(differences(data, stored(one))).toEqual({ count: 0, worst: 0 });
  });

  it.each(floats)('%s is within rounding of float32, and its bytes are those rounded', (_, one) => {
    const { source, size } = run(one);
    const bytes = stored(one);
    const wanted = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    );
    const values = resampleFloat(source, size, one.name);
    expect(values.length).toBe(wanted.length);
    expect(differences(values, wanted).worst).toBeLessThanOrEqual(FLOAT_TOLERANCE);
    expect(resample(source, size, one.name).data).toEqual(new Uint8Array(Uint8ClampedArray.from(values)));
  });
});

function stored({ at = 0, bytes = 0 }: Case): Uint8Array {
  return arrays.subarray(at, at + bytes);
}

function differences(a: ArrayLike<number>, b: ArrayLike<number>): { count: number; worst: number } {
  let count = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    if (difference > 0) count++;
    worst = Math.max(worst, difference);
  }
  return { count, worst };
}
