/**
 * Integrated loudness, ITU-R BS.1770-4 annex 1 with the gating of EBU R 128, over a window.
 *
 * The K-weighting filters are the analogue prototypes behind the standard's 48 kHz tables, transformed to the rate at
 * hand (the parameters are those of Brecht De Man, "Evaluation of implementations of the EBU R128 loudness measurement",
 * AES 145, 2018; at 48 kHz they give the tables of BS.1770-4 to 1e-9).
 */

interface Biquad {
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly a1: number;
  readonly a2: number;
}

/** Blocks of 400 ms, one every 100 ms; energies are kept per 100 ms. */
const STEPS_PER_SECOND = 10;
const STEPS_PER_BLOCK = 4;

/**
 * LUFS of the channels; `weights` as of BS.1770-4 table 3. `null` when no block passes the absolute gate of -70 LUFS or
 * the sound is shorter than one block.
 */
export function integratedLoudness(
  planes: readonly Float32Array[],
  rate: number,
  weights: readonly number[],
): number | null {
  const steps = weightedSteps(planes, rate, weights);
  const blocks: number[] = [];
  for (let i = 0; i + STEPS_PER_BLOCK <= steps.length; i++) {
    let energy = 0;
    for (let k = 0; k < STEPS_PER_BLOCK; k++) energy += steps[i + k] ?? 0;
    blocks.push(energy / STEPS_PER_BLOCK);
  }
  const loud = blocks.filter((energy) => toLufs(energy) > -70);
  if (loud.length === 0) return null;
  const relative = toLufs(mean(loud)) - 10;
  const kept = loud.filter((energy) => toLufs(energy) > relative);
  return kept.length === 0 ? null : toLufs(mean(kept));
}

/** Mean square of the K-weighted signal per 100 ms, channels weighted and summed. The rest of the last step is dropped. */
function weightedSteps(
  planes: readonly Float32Array[],
  rate: number,
  weights: readonly number[],
): Float64Array {
  const length = planes[0]?.length ?? 0;
  const count = Math.floor((length * STEPS_PER_SECOND) / rate);
  const steps = new Float64Array(count);
  planes.forEach((plane, channel) => {
    const weight = weights[channel] ?? 0;
    if (weight > 0) addChannel(steps, plane, rate, weight);
  });
  return steps;
}

function addChannel(steps: Float64Array, plane: Float32Array, rate: number, weight: number): void {
  const { b0, b1, b2, a1, a2 } = shelf(rate);
  const high = highPass(rate);
  let s1 = 0;
  let s2 = 0;
  let h1 = 0;
  let h2 = 0;
  let at = 0;
  for (let step = 0; step < steps.length; step++) {
    const end = Math.round(((step + 1) * rate) / STEPS_PER_SECOND);
    const samples = end - at;
    let energy = 0;
    for (; at < end; at++) {
      const value = plane[at] as number;
      const x = value - value === 0 ? value : 0;
      // Both filters in transposed direct form II; the high-pass has b = 1, -2, 1.
      const shelved = b0 * x + s1;
      s1 = b1 * x - a1 * shelved + s2;
      s2 = b2 * x - a2 * shelved;
      const out = shelved + h1;
      h1 = -2 * shelved - high.a1 * out + h2;
      h2 = shelved - high.a2 * out;
      energy += out * out;
    }
    steps[step] = (steps[step] ?? 0) + (weight * energy) / Math.max(1, samples);
  }
}

/** Stage 1: high shelf, +4 dB above about 1.7 kHz. */
export function shelf(rate: number): Biquad {
  const gain = 10 ** (3.999843853973347 / 20);
  const k = Math.tan((Math.PI * 1681.974450955533) / rate);
  const q = 0.7071752369554196;
  const vb = gain ** 0.4996667741545416;
  const a0 = 1 + k / q + k * k;
  return {
    b0: (gain + (vb * k) / q + k * k) / a0,
    b1: (2 * (k * k - gain)) / a0,
    b2: (gain - (vb * k) / q + k * k) / a0,
    a1: (2 * (k * k - 1)) / a0,
    a2: (1 - k / q + k * k) / a0,
  };
}

/** Stage 2: high-pass at 38 Hz. */
export function highPass(rate: number): Biquad {
  const k = Math.tan((Math.PI * 38.13547087602444) / rate);
  const q = 0.5003270373238773;
  const a0 = 1 + k / q + k * k;
  return { b0: 1, b1: -2, b2: 1, a1: (2 * (k * k - 1)) / a0, a2: (1 - k / q + k * k) / a0 };
}

function toLufs(energy: number): number {
  return energy > 0 ? -0.691 + 10 * Math.log10(energy) : Number.NEGATIVE_INFINITY;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
