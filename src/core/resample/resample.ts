/**
 * One separable resampler for packed 8-bit pictures of three channels; its parameters (interpolation.ts) make it equal to the
 * libraries that published systems were trained with. Golden arrays of those libraries are in test/golden/resample.
 *
 * R1. The result depends on the picture, the size and the interpolation only; the source is never written to.
 * R2. An axis that keeps its length is copied where the library does so too (Pillow), and passed through the kernel else.
 */
import { INTERPOLATIONS, type Interpolation } from './interpolation.ts';
import { columnSums, elevenColumns, fixedColumns, fixedRows, type Pixels, rowSums } from './passes.ts';
import { type Taps, tapsFor } from './taps.ts';

export type { Pixels } from './passes.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** uint8 `[height, width, 3]` of the size wanted, both axes on their own. */
export function resample(source: Pixels, size: Size, interpolation: Interpolation): Pixels {
  const [across, down] = axes(source, size, interpolation);
  switch (INTERPOLATIONS[interpolation].arithmetic) {
    case 'nearest-centre':
    case 'nearest-floor':
      return picked(source, size, across, down);
    case 'fixed-22': {
      const rows = source.width === size.width ? source : fixedRows(source, across);
      return source.height === size.height ? rows : fixedColumns(rows, down);
    }
    case 'float-32': {
      const data = new Uint8ClampedArray(resampleFloat(source, size, interpolation));
      return { ...size, data: new Uint8Array(data.buffer) };
    }
    case 'fixed-11': {
      if (source.width === size.width && source.height === size.height) return source;
      const rows = rowSums(source, across, new Int32Array(source.height * size.width * 3));
      return { ...size, data: elevenColumns(rows, size.width * 3, down) };
    }
  }
}

/** float32 `[height, width, 3]` on the scale 0 .. 255, neither rounded nor limited. `float-32` interpolations only. */
export function resampleFloat(source: Pixels, size: Size, interpolation: Interpolation): Float32Array {
  const [across, down] = axes(source, size, interpolation);
  const rows = rowSums(source, across, new Float32Array(source.height * size.width * 3));
  return columnSums(rows, size.width * 3, down);
}

function axes(source: Size, size: Size, interpolation: Interpolation): [across: Taps, down: Taps] {
  const rule = INTERPOLATIONS[interpolation];
  return [
    tapsFor(interpolation, rule, source.width, size.width),
    tapsFor(interpolation, rule, source.height, size.height),
  ];
}

function picked({ data, width }: Pixels, size: Size, across: Taps, down: Taps): Pixels {
  const out = new Uint8Array(size.width * size.height * 3);
  let at = 0;
  for (let y = 0; y < size.height; y++) {
    const row = (down.indices[y] as number) * width;
    for (let x = 0; x < size.width; x++) {
      const from = (row + (across.indices[x] as number)) * 3;
      out[at++] = data[from] as number;
      out[at++] = data[from + 1] as number;
      out[at++] = data[from + 2] as number;
    }
  }
  return { ...size, data: out };
}
