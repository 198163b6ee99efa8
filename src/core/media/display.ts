/** How a coded picture becomes what a viewer sees: display matrix and sample aspect ratio. */

export interface Orientation {
  /** Degrees clockwise: 0, 90, 180 or 270. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** Mirrored left to right, before it is turned. */
  readonly mirrored: boolean;
}

export const UPRIGHT: Orientation = { rotation: 0, mirrored: false };

/**
 * Orientation from a 3x3 display matrix (36 bytes, nine little-endian 16.16 and 2.30 fixed-point numbers as libav stores
 * them; ISO/IEC 14496-12 section 6.2.2). Other angles go to the nearest quarter turn; a singular matrix is upright.
 */
export function orientationOf(matrix: Uint8Array | undefined): Orientation {
  if (matrix === undefined || matrix.byteLength < 36) return UPRIGHT;
  const view = new DataView(matrix.buffer, matrix.byteOffset, 36);
  const [a, b, c, d] = [0, 4, 12, 16].map((at) => view.getInt32(at, true) / 65_536);
  if (a === undefined || b === undefined || c === undefined || d === undefined) return UPRIGHT;
  const determinant = a * d - b * c;
  if (determinant === 0) return UPRIGHT;
  const quarters = Math.round(Math.atan2(-c, d) / (Math.PI / 2));
  const rotation = ([0, 90, 180, 270] as const)[((quarters % 4) + 4) % 4] ?? 0;
  return { rotation, mirrored: determinant < 0 };
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Size as seen: the width is stretched by the sample aspect ratio (0 or negative = 1:1), then the picture is turned. */
export function displaySize(coded: PictureSize, sampleAspect: number, rotation: number): PictureSize {
  const aspect = Number.isFinite(sampleAspect) && sampleAspect > 0 ? sampleAspect : 1;
  const width = Math.max(1, Math.round(coded.width * aspect));
  return rotation % 180 === 0 ? { width, height: coded.height } : { width: coded.height, height: width };
}

/** Size to scale to before the turn, so that the turned picture has the size wanted. */
export function sizeBeforeTurn(wanted: PictureSize, orientation: Orientation): PictureSize {
  return orientation.rotation % 180 === 0 ? wanted : { width: wanted.height, height: wanted.width };
}

/**
 * Copies packed RGB pixels into `out`, mirrored and turned. `source` has the size of `sizeBeforeTurn`; `out` is packed
 * and exactly as long.
 */
export function orientRgb(
  source: Uint8Array,
  size: PictureSize,
  orientation: Orientation,
  out: Uint8Array,
): void {
  const { rotation, mirrored } = orientation;
  if (rotation === 0 && !mirrored) {
    out.set(source);
    return;
  }
  const outWidth = rotation % 180 === 0 ? size.width : size.height;
  const outHeight = rotation % 180 === 0 ? size.height : size.width;
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      const from = sourcePixel(x, y, size, orientation) * 3;
      const to = (y * outWidth + x) * 3;
      out[to] = source[from] ?? 0;
      out[to + 1] = source[from + 1] ?? 0;
      out[to + 2] = source[from + 2] ?? 0;
    }
  }
}

/** Index of the pixel of the unturned picture that is seen at (x, y) of the turned one. */
function sourcePixel(x: number, y: number, { width, height }: PictureSize, at: Orientation): number {
  let sx = x;
  let sy = y;
  if (at.rotation === 90) [sx, sy] = [y, height - 1 - x];
  else if (at.rotation === 180) [sx, sy] = [width - 1 - x, height - 1 - y];
  else if (at.rotation === 270) [sx, sy] = [width - 1 - y, x];
  return sy * width + (at.mirrored ? width - 1 - sx : sx);
}

/**
 * Which YUV matrix to assume where the stream states none: true for BT.709, false for BT.601. Larger than standard
 * definition (720 x 576) in either direction, whichever way the picture lies: 1280 and more, or more than 576 on the
 * shorter side.
 */
export function isHighDefinition({ width, height }: PictureSize): boolean {
  return Math.max(width, height) >= 1280 || Math.min(width, height) > 576;
}
