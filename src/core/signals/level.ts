/** Peak and silence. */

const SILENCE_DBFS = -50;
const BLOCK_SECONDS = 0.02;

/** Largest absolute sample of any channel, dBFS; `null` for digital silence. */
export function samplePeak(planes: readonly Float32Array[]): number | null {
  let peak = 0;
  for (const plane of planes) {
    for (let i = 0; i < plane.length; i++) {
      const value = Math.abs(plane[i] as number);
      if (value > peak && value < Number.POSITIVE_INFINITY) peak = value;
    }
  }
  return peak > 0 ? Math.max(-200, 20 * Math.log10(peak)) : null;
}

/** Share of whole 20 ms blocks whose RMS lies below -50 dBFS; `null` when there is not one block. */
export function silenceRatio(mono: Float32Array, rate: number): number | null {
  const block = Math.round(rate * BLOCK_SECONDS);
  const blocks = block > 0 ? Math.floor(mono.length / block) : 0;
  if (blocks === 0) return null;
  const limit = 10 ** (SILENCE_DBFS / 10);
  let silent = 0;
  for (let b = 0; b < blocks; b++) {
    let energy = 0;
    for (let i = b * block; i < (b + 1) * block; i++) energy += (mono[i] as number) ** 2;
    if (energy / block < limit) silent++;
  }
  return silent / blocks;
}
