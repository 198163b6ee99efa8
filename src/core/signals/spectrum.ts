/** Onset rate and speech-band share, from one short-time spectrum of the mono sound. */
import { RealFft } from './fft.ts';

const FRAME = 512;
const HOP = 256;
/** Local maximum over +-3 frames; the surroundings reach three times as far back. */
const PEAK_REACH = 3;
const ONSET_EXCESS = 0.15;
/** Compression of the magnitude of full-scale-normalised frames. */
const COMPRESSION = 1000;

export interface SpectrumSignals {
  readonly onsetRate: number | null;
  readonly speechBandShare: number | null;
}

export function spectrumSignals(mono: Float32Array, rate: number): SpectrumSignals {
  if (mono.length < FRAME || rate <= 0) return { onsetRate: null, speechBandShare: null };
  const fft = new RealFft(FRAME);
  const low = Math.ceil((300 * FRAME) / rate);
  const high = Math.min(FRAME / 2, Math.floor((3400 * FRAME) / rate));
  const frames = Math.floor((mono.length - FRAME) / HOP) + 1;
  const flux = new Float64Array(frames);
  let before = new Float64Array(FRAME / 2 + 1);
  let now = new Float64Array(FRAME / 2 + 1);
  let total = 0;
  let speech = 0;
  for (let frame = 0; frame < frames; frame++) {
    const power = fft.power(mono, frame * HOP);
    let rise = 0;
    for (let k = 1; k < power.length; k++) {
      const energy = power[k] as number;
      total += energy;
      if (k >= low && k <= high) speech += energy;
      // |X| / (FRAME / 4): a full-scale sine has magnitude 1 under a Hann window.
      const level = Math.log(1 + (COMPRESSION * 4 * Math.sqrt(energy)) / FRAME);
      const step = level - (before[k] as number);
      if (step > 0) rise += step;
      now[k] = level;
    }
    flux[frame] = frame === 0 ? 0 : rise / (power.length - 1);
    [before, now] = [now, before];
  }
  return {
    onsetRate: countPeaks(flux) / (mono.length / rate),
    speechBandShare: total > 0 ? speech / total : null,
  };
}

function countPeaks(flux: Float64Array): number {
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (let n = 1; n < flux.length; n++) {
    if (n - last <= PEAK_REACH) continue;
    if (isPeak(flux, n)) {
      count++;
      last = n;
    }
  }
  return count;
}

function isPeak(flux: Float64Array, n: number): boolean {
  const value = flux[n] ?? 0;
  const from = Math.max(0, n - 3 * PEAK_REACH);
  const to = Math.min(flux.length - 1, n + PEAK_REACH);
  let sum = 0;
  for (let i = from; i <= to; i++) {
    const other = flux[i] ?? 0;
    if (i >= n - PEAK_REACH && other > value) return false;
    sum += other;
  }
  return value >= sum / (to - from + 1) + ONSET_EXCESS;
}
