/** Change, motion and cuts between target frames (not between consecutive frames of the video). */

/** A pair of histograms further apart than this counts as a cut. */
const CUT_DISTANCE = 0.5;

export interface TargetChange {
  /** Mean |difference| of luma, share of full scale, mean over the pairs. */
  readonly change: number;
  /** Standard deviation over the picture of the luma difference, 8-bit units, max over the pairs. */
  readonly motion: number;
  readonly cuts: number;
}

/** `pictures`: packed RGB of equal size, in time order, each frame once. `null` for fewer than two. */
export function changeBetween(pictures: readonly Uint8Array[]): TargetChange | null {
  if (pictures.length < 2) return null;
  let change = 0;
  let motion = 0;
  let cuts = 0;
  for (let i = 1; i < pictures.length; i++) {
    const before = pictures[i - 1];
    const after = pictures[i];
    if (before === undefined || after === undefined) continue;
    const difference = lumaDifference(before, after);
    change += difference.meanAbsolute / 255 / (pictures.length - 1);
    motion = Math.max(motion, difference.deviation);
    if (histogramDistance(before, after) > CUT_DISTANCE) cuts++;
  }
  return { change: Math.min(1, change), motion: Math.min(255, motion), cuts };
}

function lumaDifference(a: Uint8Array, b: Uint8Array): { meanAbsolute: number; deviation: number } {
  const pixels = Math.floor(a.length / 3);
  let absolute = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < pixels * 3; i += 3) {
    // ITU-R BT.601 luma of the RGB difference.
    const d =
      0.299 * ((b[i] as number) - (a[i] as number)) +
      0.587 * ((b[i + 1] as number) - (a[i + 1] as number)) +
      0.114 * ((b[i + 2] as number) - (a[i + 2] as number));
    absolute += Math.abs(d);
    sum += d;
    squares += d * d;
  }
  const mean = sum / pixels;
  return {
    meanAbsolute: absolute / pixels,
    deviation: Math.sqrt(Math.max(0, squares / pixels - mean * mean)),
  };
}

/** Half the L1 distance of the 4x4x4 RGB histograms: 0 the same, 1 nothing in common. */
export function histogramDistance(a: Uint8Array, b: Uint8Array): number {
  const bins = new Int32Array(64);
  const pixels = Math.floor(a.length / 3);
  for (let i = 0; i < pixels * 3; i += 3) {
    const binA =
      (((a[i] as number) >> 6) << 4) | (((a[i + 1] as number) >> 6) << 2) | ((a[i + 2] as number) >> 6);
    const binB =
      (((b[i] as number) >> 6) << 4) | (((b[i + 1] as number) >> 6) << 2) | ((b[i + 2] as number) >> 6);
    bins[binA] = (bins[binA] as number) + 1;
    bins[binB] = (bins[binB] as number) - 1;
  }
  let distance = 0;
  for (const bin of bins) distance += Math.abs(bin);
  return pixels === 0 ? 0 : distance / 2 / pixels;
}
