/**
 * The two passes over packed pictures of three bytes a pixel: first along the rows, then along the columns.
 *
 * H1. Rows are walked in memory order; each pass reads its table once per output sample and all three channels with it.
 * H2. Stores into `Uint8ClampedArray` limit to 0 .. 255; of fractions they round half to even, as PyTorch's `round` does.
 */
import type { Taps } from './taps.ts';

/** A picture of `height` rows of `width` packed RGB (or BGR) pixels. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

type Wide = Int32Array | Float32Array;

/** Weighted sums along the rows: `[height, taps' outputs, 3]`, not rounded. */
export function rowSums<T extends Wide>({ data, width, height }: Pixels, taps: Taps, into: T): T {
  const { width: count, indices, weights } = taps;
  const outputs = indices.length / count;
  let at = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0, tap = 0; x < outputs; x++) {
      let r = 0;
      let g = 0;
      let b = 0;
      for (let k = 0; k < count; k++, tap++) {
        const weight = weights[tap] as number;
        const from = (row + (indices[tap] as number)) * 3;
        r += (data[from] as number) * weight;
        g += (data[from + 1] as number) * weight;
        b += (data[from + 2] as number) * weight;
      }
      into[at++] = r;
      into[at++] = g;
      into[at++] = b;
    }
  }
  return into;
}

const HALF_22 = 2 ** 21;

/** Pillow's `ImagingResampleHorizontal_8bpc`: integers, rounded to 8 bit. */
export function fixedRows({ data, width, height }: Pixels, taps: Taps): Pixels {
  const { width: count, indices } = taps;
  const weights = taps.weights as Int32Array;
  const outputs = indices.length / count;
  const out = new Uint8ClampedArray(outputs * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0, tap = 0; x < outputs; x++) {
      let r = HALF_22;
      let g = HALF_22;
      let b = HALF_22;
      for (let k = 0; k < count; k++, tap++) {
        const weight = weights[tap] as number;
        const from = (row + (indices[tap] as number)) * 3;
        r = (r + Math.imul(data[from] as number, weight)) | 0;
        g = (g + Math.imul(data[from + 1] as number, weight)) | 0;
        b = (b + Math.imul(data[from + 2] as number, weight)) | 0;
      }
      out[at++] = r >> 22;
      out[at++] = g >> 22;
      out[at++] = b >> 22;
    }
  }
  return { data: new Uint8Array(out.buffer), width: outputs, height };
}

/** Pillow's `ImagingResampleVertical_8bpc`. */
export function fixedColumns({ data, width }: Pixels, taps: Taps): Pixels {
  const { width: count, indices } = taps;
  const weights = taps.weights as Int32Array;
  const outputs = indices.length / count;
  const stride = width * 3;
  const out = new Uint8ClampedArray(outputs * stride);
  const sums = new Int32Array(stride);
  for (let y = 0; y < outputs; y++) {
    sums.fill(HALF_22);
    for (let tap = y * count; tap < (y + 1) * count; tap++) {
      const weight = weights[tap] as number;
      if (weight === 0) continue;
      const row = (indices[tap] as number) * stride;
      for (let x = 0; x < stride; x++) {
        sums[x] = ((sums[x] as number) + Math.imul(data[row + x] as number, weight)) | 0;
      }
    }
    for (let x = 0, at = y * stride; x < stride; x++, at++) out[at] = (sums[x] as number) >> 22;
  }
  return { data: new Uint8Array(out.buffer), width, height: outputs };
}

/** Weighted sums along the columns of `rowSums`, in float32 steps no finer than a float64 accumulator: `[outputs, stride]`. */
export function columnSums(rows: Wide, stride: number, taps: Taps): Float32Array {
  const { width: count, indices, weights } = taps;
  const outputs = indices.length / count;
  const out = new Float32Array(outputs * stride);
  const sums = new Float64Array(stride);
  for (let y = 0; y < outputs; y++) {
    sums.fill(0);
    for (let tap = y * count; tap < (y + 1) * count; tap++) {
      const weight = weights[tap] as number;
      const row = (indices[tap] as number) * stride;
      for (let x = 0; x < stride; x++) sums[x] = (sums[x] as number) + (rows[row + x] as number) * weight;
    }
    out.set(sums, y * stride);
  }
  return out;
}

/** Samples that OpenCV's vector code takes at a time; the rest of a row goes through integers. */
const LANES = 8;

/**
 * OpenCV's `VResizeCubic` on integer rows: float32 sums, last row first, rounded half to even, where its vector code
 * reaches, and integers rounded half up behind that.
 */
export function elevenColumns(rows: Int32Array, stride: number, taps: Taps): Uint8Array {
  const { indices, weights } = taps;
  const outputs = indices.length / 4;
  const out = new Uint8ClampedArray(outputs * stride);
  const vector = stride - (stride % LANES);
  const f = Math.fround;
  for (let y = 0; y < outputs; y++) {
    const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = weights.subarray(y * 4, y * 4 + 4);
    const [r0 = 0, r1 = 0, r2 = 0, r3 = 0] = indices.subarray(y * 4, y * 4 + 4).map((row) => row * stride);
    const [b0, b1, b2, b3] = [w0 / 2 ** 22, w1 / 2 ** 22, w2 / 2 ** 22, w3 / 2 ** 22];
    const at = y * stride;
    for (let x = 0; x < vector; x++) {
      const last = f(f((rows[r2 + x] as number) * b2) + f((rows[r3 + x] as number) * b3));
      const two = f(f((rows[r1 + x] as number) * b1) + last);
      out[at + x] = f(f((rows[r0 + x] as number) * b0) + two);
    }
    for (let x = vector; x < stride; x++) {
      const sum =
        (rows[r0 + x] as number) * w0 +
        (rows[r1 + x] as number) * w1 +
        (rows[r2 + x] as number) * w2 +
        (rows[r3 + x] as number) * w3;
      out[at + x] = (sum + HALF_22) >> 22;
    }
  }
  return new Uint8Array(out.buffer);
}
