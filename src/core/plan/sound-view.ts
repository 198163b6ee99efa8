/** What a bundle may ask of the sound beyond its opening window. Spectrograms are graphs; a sound view ends at samples. */
import type { WindowMs } from './view.ts';

export interface SoundView {
  /** Hz. */
  readonly sampleRate: number;
  /** `swr`: libswresample, as everywhere; `fft`: `scipy.signal.resample`, of the whole window at once. */
  readonly resampler: 'swr' | 'fft';
  /** `s16/...`: rounded to 16 bit at the native rate's mix (`fft`) or after resampling (`swr`), then divided. */
  readonly scale: 'float' | 's16/32768' | 's16/32767';
  /** Equal stretches, put one behind the other: stretch i starts at i x max(0, D - `lengthMs`) / `count`, D = sound there is. */
  readonly stretches?: { readonly count: number; readonly lengthMs: number };
  /** Length of the graph's input; zeros behind the last sample. Default: what the window or the stretches hold. */
  readonly padToMs?: number;
  /** Default: the plan's window. */
  readonly windowMs?: WindowMs;
}

/** Samples of the graph's input. */
export function soundSamples(view: SoundView, planWindow: WindowMs): number {
  const [start, end] = view.windowMs ?? planWindow;
  const natural = view.stretches === undefined ? end - start : view.stretches.count * view.stretches.lengthMs;
  return Math.round(((view.padToMs ?? natural) * view.sampleRate) / 1000);
}

/** Rounded to 16 bit, half to even, limited; on the scale of the divisor. In place. */
export function quantised(samples: Float32Array, scale: SoundView['scale']): Float32Array {
  if (scale === 'float') return samples;
  const divisor = scale === 's16/32768' ? 32_768 : 32_767;
  const codes = new Int16Array(1);
  for (let i = 0; i < samples.length; i++) {
    const code = Math.round((samples[i] as number) * 32_768);
    codes[0] = Math.min(32_767, Math.max(-32_768, code));
    samples[i] = (codes[0] as number) / divisor;
  }
  return samples;
}

/** `pytorchvideo`'s constant clips as LMM-EVQA uses them: seconds times rate, truncated. */
export function stretched(samples: Float32Array, view: SoundView): Float32Array {
  if (view.stretches === undefined) return samples;
  const { count, lengthMs } = view.stretches;
  const length = Math.trunc((lengthMs * view.sampleRate) / 1000);
  const spare = Math.max(0, samples.length - length);
  const parts = Array.from({ length: count }, (_, i) => {
    const start = Math.trunc((i * spare) / count);
    return samples.subarray(start, start + length);
  });
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
