/** One native frame as a view wants it. Pure: pixels in, pixels out. */
import { type Pixels, resample, resampleFloat, type Size } from '../resample/resample.ts';
import { type Layout, layoutOf } from './fit.ts';
import { laplacianPyramid, pyramidSize } from './pyramid.ts';
import type { FrameView } from './view.ts';

/** Size of the pictures that `paint` makes of frames of size `native`. */
export function paintedSize(view: FrameView, native: Size): Size {
  const { fit } = view;
  const seen = transposes(view, native) ? { width: native.height, height: native.width } : native;
  const { out } = layoutOf(fit, seen);
  return fit.rule === 'pyramid' ? pyramidSize(out, fit.levels, fit.minSide) : out;
}

/**
 * The pictures of one frame, packed, in the view's colour order. `frame`: RGB, upright. Frames whose own size would give
 * another result size than `size` (a video that changes its size midway) are squashed to it.
 */
export function paint(
  view: FrameView,
  frame: Pixels,
  size: Size = paintedSize(view, frame),
): (Uint8Array | Float32Array)[] {
  const { fit, interpolation } = view;
  const seen = transposes(view, frame) ? transposed(frame) : frame;
  const { width, height } = paintedSize(view, frame);
  const fitting = width === size.width && height === size.height;
  const layout = layoutOf(fitting ? fit : { rule: 'squash', ...size }, seen);
  if (view.tensor === 'float32') return [inOrder(view, resampleFloat(seen, layout.scaled, interpolation))];
  const scaled = sameSize(seen, layout.scaled) ? seen : resample(seen, layout.scaled, interpolation);
  if (!fitting) return [inOrder(view, scaled.data)];
  switch (fit.rule) {
    case 'fragments':
      return [inOrder(view, fragments(scaled, fit.grid, fit.size))];
    case 'pyramid':
      return laplacianPyramid(scaled, fit.levels, fit.minSide).map(({ data }) => inOrder(view, data));
    case 'letterbox':
      return [inOrder(view, placed(scaled, layout, fit.fill))];
    default:
      return [inOrder(view, placed(scaled, layout, 0))];
  }
}

function sameSize(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

function transposes({ landscape }: FrameView, { width, height }: Size): boolean {
  return landscape === 'transpose' && height < width;
}

function transposed({ data, width, height }: Pixels): Pixels {
  const out = new Uint8Array(data.length);
  for (let y = 0, from = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = (x * height + y) * 3;
      out[to] = data[from++] as number;
      out[to + 1] = data[from++] as number;
      out[to + 2] = data[from++] as number;
    }
  }
  return { data: out, width: height, height: width };
}

/** Crop or frame: the overlap of both pictures is copied, the rest stays `fill`. A copy always. */
function placed(scaled: Pixels, { out, left, top }: Layout, fill: number): Uint8Array {
  const data = new Uint8Array(out.width * out.height * 3);
  if (fill !== 0) data.fill(fill);
  const from = Math.max(0, left);
  const to = Math.min(scaled.width, left + out.width);
  for (let y = Math.max(0, top); y < Math.min(scaled.height, top + out.height); y++) {
    const row = scaled.data.subarray((y * scaled.width + from) * 3, (y * scaled.width + to) * 3);
    data.set(row, ((y - top) * out.width + from - left) * 3);
  }
  return data;
}

/** DOVER's spatial fragments: cell i starts at floor(side / grid) i, its crop in the cell's middle (N3 of view.ts). */
function fragments(frame: Pixels, grid: number, size: number): Uint8Array {
  const side = grid * size;
  const out = new Uint8Array(side * side * 3);
  const start = (length: number, i: number) => {
    const cell = Math.floor(length / grid);
    const spare = cell - size;
    return Math.min(cell * i, length - size) + (spare > 0 ? Math.floor((spare - 1) / 2) : 0);
  };
  for (let y = 0; y < side; y++) {
    const fromY = start(frame.height, Math.floor(y / size)) + (y % size);
    for (let i = 0; i < grid; i++) {
      const from = (fromY * frame.width + start(frame.width, i)) * 3;
      out.set(frame.data.subarray(from, from + size * 3), (y * side + i * size) * 3);
    }
  }
  return out;
}

/** A copy where the order changes. */
function inOrder<T extends Uint8Array | Float32Array>({ colour }: FrameView, rgb: T): T {
  if (colour === 'rgb24') return rgb;
  const out = rgb.slice() as T;
  for (let i = 0; i < out.length; i += 3) {
    out[i] = rgb[i + 2] as number;
    out[i + 2] = rgb[i] as number;
  }
  return out;
}
