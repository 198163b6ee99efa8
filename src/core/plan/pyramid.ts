/** The Laplacian pyramid of ModularBVQA: sizes shrink linearly, and every detail is scaled back to the frame's size. */
import { type Pixels, resample, type Size } from '../resample/resample.ts';

/** `cv2.getGaussianKernel(5, 5)` as OpenCV's 8-bit filter holds it: 8 bits of fraction, sum 256. */
const GAUSSIAN = [49, 52, 54, 52, 49] as const;

/**
 * `levels` - 1 pictures of detail, each of the frame's size, finest first. Integers throughout, equal to OpenCV's: what is
 * darker than its blurred self saturates at 0.
 */
export function laplacianPyramid(frame: Pixels, levels: number, minSide: number): Pixels[] {
  const smallest = smallestSize(frame, minSide);
  const first = startsSmall(frame, levels, minSide) ? resample(frame, smallest, 'cv2-cubic') : frame;
  const size = { width: first.width, height: first.height };
  const steps = levels - 1;
  const stepAcross = Math.trunc((size.width - smallest.width) / steps);
  const stepDown = Math.trunc((size.height - smallest.height) / steps);
  const details: Pixels[] = [];
  let level = first;
  for (let i = 0; i < steps; i++) {
    const blurred = gaussianBlur(level);
    details.push(resample(subtracted(level, blurred), size, 'cv2-cubic'));
    const next = {
      width: size.width - (i + 1) * stepAcross,
      height: size.height - (i + 1) * stepDown,
    };
    if (i < steps - 1) level = resample(blurred, next, 'cv2-cubic');
  }
  return details;
}

/** Size of the pictures that `laplacianPyramid` gives. */
export function pyramidSize(frame: Size, levels: number, minSide: number): Size {
  return startsSmall(frame, levels, minSide) ? smallestSize(frame, minSide) : frame;
}

function smallestSize({ width, height }: Size, minSide: number): Size {
  return width < height
    ? { width: minSide, height: Math.trunc((height * minSide) / width) }
    : { width: Math.trunc((width * minSide) / height), height: minSide };
}

/** Frames with a side so small that the levels would be less than a pixel apart are brought to the smallest size first. */
function startsSmall({ width, height }: Size, levels: number, minSide: number): boolean {
  return Math.min(width, height) <= minSide + levels && width !== minSide && height !== minSide;
}

/** `cv2.GaussianBlur(frame, (5, 5), 5)`: edges mirrored without repeating the edge sample, rounded once, half up. */
export function gaussianBlur({ data, width, height }: Pixels): Pixels {
  const stride = width * 3;
  const rows = new Int32Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < 5; k++) {
        const from = (y * width + mirrored(x + k - 2, width)) * 3;
        const weight = GAUSSIAN[k] as number;
        const to = (y * width + x) * 3;
        for (let c = 0; c < 3; c++)
          rows[to + c] = (rows[to + c] as number) + (data[from + c] as number) * weight;
      }
    }
  }
  const out = new Uint8Array(data.length);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(1 << 15);
    for (let k = 0; k < 5; k++) {
      const from = mirrored(y + k - 2, height) * stride;
      const weight = GAUSSIAN[k] as number;
      for (let x = 0; x < stride; x++) sums[x] = (sums[x] as number) + (rows[from + x] as number) * weight;
    }
    for (let x = 0; x < stride; x++) out[y * stride + x] = (sums[x] as number) >> 16;
  }
  return { data: out, width, height };
}

function mirrored(index: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const at = ((index % period) + period) % period;
  return at < length ? at : period - at;
}

function subtracted(a: Pixels, b: Pixels): Pixels {
  const data = new Uint8Array(a.data.length);
  for (let i = 0; i < data.length; i++) data[i] = Math.max(0, (a.data[i] as number) - (b.data[i] as number));
  return { data, width: a.width, height: a.height };
}
