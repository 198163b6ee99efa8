/** Inputs of golden vectors, made from the integer formulas that `golden.json` states, so that no large file travels. */
import { FirstFiveError } from '../../core/errors.ts';
import type { Tensor } from '../../stages/embed/inference.ts';

const FRAMES = 'frames[i][y][x][c] = (x*7 + y*13 + c*29 + i*31) mod 256';
const WAVE =
  'wave[i][t] = 0.4*sin(2*pi*((t*(220+110*i)) mod 16000)/16000)' +
  ' + 0.2*sin(2*pi*((t*(1760+330*i)) mod 16000)/16000), as float32; zero for t >= samples[i]';

/** float32 `[count, dim]` from row and column. */
const VECTORS: Readonly<Record<string, (i: number, k: number) => number>> = {
  'vector[i][k] = ((i*131 + k*71) mod 257 - 128) / 2048': (i, k) =>
    (((i * 131 + k * 71) % 257) - 128) / 2_048,
  'vector[i][k] = 0': () => 0,
  'share[i][k] = ((i*131 + k*71) mod 257) / 257': (i, k) => ((i * 131 + k * 71) % 257) / 257,
};

export type GoldenInput =
  | { readonly formula: string; readonly count?: number }
  | { readonly values: readonly number[] }
  /** int32 `[n, tokens]`, rows of one length. */
  | { readonly rows: readonly (readonly number[])[] };

/** The tensors of one case. `shapes` are the graph's, without the batch. `BUNDLE_INVALID` for an unknown formula. */
export function goldenTensors(
  inputs: Readonly<Record<string, GoldenInput>>,
  shapes: Readonly<Record<string, readonly number[]>>,
): Readonly<Record<string, Tensor>> {
  const lengths = Object.values(inputs).find((input) => 'values' in input)?.values;
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => {
      const shape = shapes[name];
      if (shape === undefined)
        throw new FirstFiveError('BUNDLE_INVALID', `golden: the graph has no input ${name}`);
      return [name, goldenTensor(input, shape, lengths)];
    }),
  );
}

function goldenTensor(
  input: GoldenInput,
  shape: readonly number[],
  lengths: readonly number[] | undefined,
): Tensor {
  if ('values' in input)
    return { type: 'int32', dims: [input.values.length], data: Int32Array.from(input.values) };
  if ('rows' in input) {
    const dims = [input.rows.length, input.rows[0]?.length ?? 0];
    return { type: 'int32', dims, data: Int32Array.from(input.rows.flat()) };
  }
  const vector = VECTORS[input.formula];
  if (vector !== undefined && input.count !== undefined) return goldenVectors(input.count, shape, vector);
  if (input.formula === FRAMES && input.count !== undefined) return goldenFrames(input.count, shape);
  if (input.formula === WAVE && lengths !== undefined) return goldenWave(lengths, shape);
  throw new FirstFiveError('BUNDLE_INVALID', `golden: unknown input formula ${input.formula}`);
}

function goldenVectors(
  count: number,
  [dim = 0]: readonly number[],
  valueAt: (i: number, k: number) => number,
): Tensor {
  const data = Float32Array.from({ length: count * dim }, (_, at) => valueAt(Math.floor(at / dim), at % dim));
  return { type: 'float32', dims: [count, dim], data };
}

function goldenFrames(count: number, [height = 0, width = 0, channels = 0]: readonly number[]): Tensor {
  const data = new Uint8Array(count * height * width * channels);
  let at = 0;
  for (let i = 0; i < count; i++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) data[at++] = (x * 7 + y * 13 + c * 29 + i * 31) % 256;
      }
    }
  }
  return { type: 'uint8', dims: [count, height, width, channels], data };
}

function goldenWave(lengths: readonly number[], [samples = 0]: readonly number[]): Tensor {
  const data = new Float32Array(lengths.length * samples);
  const sine = (t: number, hertz: number) => Math.sin((2 * Math.PI * ((t * hertz) % 16_000)) / 16_000);
  for (const [i, length] of lengths.entries()) {
    for (let t = 0; t < Math.min(length, samples); t++) {
      data[i * samples + t] = 0.4 * sine(t, 220 + 110 * i) + 0.2 * sine(t, 1_760 + 330 * i);
    }
  }
  return { type: 'float32', dims: [lengths.length, samples], data };
}
