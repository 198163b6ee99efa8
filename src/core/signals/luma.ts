/**
 * What one luma plane says: brightness, contrast, spatial information, sharpness, blockiness, in one pass.
 *
 * L1. Pictures of up to `MAX_LUMA_PIXELS` are evaluated whole. Of larger ones every k-th row is, each with its native
 *     neighbours, k the smallest odd number that keeps to the cap: the estimates stay unbiased and the cost bounded.
 * L2. The outermost pixels only serve as neighbours. A picture under 3 x 3 has brightness and contrast only.
 */

/** 1,048,576: 720 x 1280 and below are exact. */
export const MAX_LUMA_PIXELS = 1 << 20;

/** At most this ratio is reported: on flat synthetic pictures the denominator tends to zero. */
const MAX_BLOCKINESS = 16;

/** Sobel and Laplacian results for 8-bit codes; a plane deeper than 8 bit is rounded to 8 first. */
export interface LumaPlane {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Bytes from row to row. */
  readonly stride: number;
  /** Codes 0-255 when true, 16-235 when false. */
  readonly fullRange: boolean;
}

export interface LumaStats {
  readonly brightness: number;
  readonly contrast: number;
  readonly si: number | null;
  readonly sharpness: number | null;
  readonly blockiness: number | null;
}

interface Sums {
  pixels: number;
  y: number;
  yy: number;
  sobel: number;
  sobel2: number;
  laplace: number;
  laplace2: number;
}

export function lumaStats(plane: LumaPlane): LumaStats {
  const scale = plane.fullRange ? 1 : 255 / 219;
  const offset = plane.fullRange ? 0 : 16;
  if (plane.width < 3 || plane.height < 3) return tinyStats(plane, scale, offset);
  const sums = sumRows(plane);
  const n = sums.pixels;
  const deviation = (sum: number, squares: number) => Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2));
  return {
    brightness: unit(((sums.y / n - offset) * scale) / 255),
    contrast: unit((deviation(sums.y, sums.yy) * scale) / 255),
    si: deviation(sums.sobel, sums.sobel2) * scale,
    sharpness: (deviation(sums.laplace, sums.laplace2) * scale) ** 2,
    blockiness: blockiness(plane),
  };
}

function sumRows(plane: LumaPlane): Sums {
  const { data, width, height, stride } = plane;
  const step = rowStep(plane);
  let pixels = 0;
  let y = 0;
  let yy = 0;
  let sobel = 0;
  let sobel2 = 0;
  let laplace = 0;
  let laplace2 = 0;
  for (let row = 1; row < height - 1; row += step) {
    const at = row * stride;
    const up = at - stride + 1;
    const mid = at + 1;
    const down = at + stride + 1;
    let left = data[mid - 1] as number;
    let centre = data[mid] as number;
    let u = data[up - 1] as number;
    let d = data[down - 1] as number;
    let columnLeft = u + 2 * left + d;
    let slopeLeft = d - u;
    u = data[up] as number;
    d = data[down] as number;
    let column = u + 2 * centre + d;
    let slope = d - u;
    let rowY = 0;
    let rowYY = 0;
    let rowSobel = 0;
    let rowSobel2 = 0;
    let rowLaplace = 0;
    let rowLaplace2 = 0;
    for (let x = 1; x < width - 1; x++) {
      const nextU = data[up + x] as number;
      const right = data[mid + x] as number;
      const nextD = data[down + x] as number;
      const columnRight = (nextU + (right << 1) + nextD) | 0;
      const slopeRight = (nextD - nextU) | 0;
      const gx = (columnRight - columnLeft) | 0;
      const gy = (slopeLeft + (slope << 1) + slopeRight) | 0;
      const square = (Math.imul(gx, gx) + Math.imul(gy, gy)) | 0;
      const second = (u + d + left + right - (centre << 2)) | 0;
      rowY = (rowY + centre) | 0;
      rowYY = (rowYY + Math.imul(centre, centre)) | 0;
      rowSobel2 += square;
      rowSobel += Math.sqrt(square);
      rowLaplace = (rowLaplace + second) | 0;
      rowLaplace2 += Math.imul(second, second);
      left = centre;
      centre = right;
      u = nextU;
      d = nextD;
      columnLeft = column;
      column = columnRight;
      slopeLeft = slope;
      slope = slopeRight;
    }
    pixels += width - 2;
    y += rowY;
    yy += rowYY;
    sobel += rowSobel;
    sobel2 += rowSobel2;
    laplace += rowLaplace;
    laplace2 += rowLaplace2;
  }
  return { pixels, y, yy, sobel, sobel2, laplace, laplace2 };
}

/** Rows 0, 4, 8, ... alone: every second of them lies on the grid, and a quarter of the pixels is enough for a mean. */
function blockiness(plane: LumaPlane): number | null {
  const { data, width, height, stride } = plane;
  const acrossGrid = { sum: 0, count: 0 };
  const acrossAll = { sum: 0, count: 0 };
  const along = [
    { sum: 0, count: 0 },
    { sum: 0, count: 0 },
  ] as const;
  const step = 4 * rowStep(plane);
  for (let row = 4; row < height - 1; row += step) {
    const at = row * stride;
    let left = data[at] as number;
    let all = 0;
    let down = 0;
    for (let x = 1; x < width - 1; x++) {
      const value = data[at + x] as number;
      all = (all + Math.abs(value - left)) | 0;
      down = (down + Math.abs(value - (data[at + x - stride] as number))) | 0;
      left = value;
    }
    add(acrossAll, all, width - 2);
    add(along[row % 8 === 0 ? 0 : 1], down, width - 2);
    for (let x = 8; x < width - 1; x += 8) {
      add(acrossGrid, Math.abs((data[at + x] as number) - (data[at + x - 1] as number)), 1);
    }
  }
  const horizontal = ratio(acrossGrid, {
    sum: acrossAll.sum - acrossGrid.sum,
    count: acrossAll.count - acrossGrid.count,
  });
  const vertical = ratio(along[0], along[1]);
  if (horizontal === null || vertical === null) return horizontal ?? vertical;
  return (horizontal + vertical) / 2;
}

interface Mean {
  sum: number;
  count: number;
}

function add(mean: Mean, sum: number, count: number): void {
  mean.sum += sum;
  mean.count += count;
}

/** Odd, so that rows of the 8-pixel grid are among those taken. */
function rowStep({ width, height }: LumaPlane): number {
  return Math.ceil((width * height) / MAX_LUMA_PIXELS) | 1;
}

/** Mean on the grid / mean off the grid; `null` where the picture has no grid line or nothing beside it. */
function ratio(grid: Mean, elsewhere: Mean): number | null {
  if (grid.count === 0 || elsewhere.count === 0) return null;
  if (elsewhere.sum === 0) return grid.sum === 0 ? 1 : MAX_BLOCKINESS;
  return Math.min(MAX_BLOCKINESS, grid.sum / grid.count / (elsewhere.sum / elsewhere.count));
}

function tinyStats(plane: LumaPlane, scale: number, offset: number): LumaStats {
  let sum = 0;
  let squares = 0;
  for (let row = 0; row < plane.height; row++) {
    for (let x = 0; x < plane.width; x++) {
      const value = plane.data[row * plane.stride + x] ?? 0;
      sum += value;
      squares += value * value;
    }
  }
  const n = plane.width * plane.height;
  const contrast = Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2));
  return {
    brightness: unit(((sum / n - offset) * scale) / 255),
    contrast: unit((contrast * scale) / 255),
    ...{ si: null, sharpness: null, blockiness: null },
  };
}

function unit(value: number): number {
  return Math.min(1, Math.max(0, value));
}
