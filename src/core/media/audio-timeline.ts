/**
 * Decoded audio chunks laid on the plan's window.
 *
 * A1. Sample i of the result is the sound at `window start + i / rate`, on the video's clock (t = 0 of extraction.ts) when
 *     there is video, else t = 0 is the first audio sample.
 * A2. What comes before the window is cut, a late start or a gap is silence, an overlap keeps what came first.
 * A3. Timestamps that differ from the running count by less than `JITTER_MS` are jitter: samples are kept back to back.
 */

/** MP4 and MPEG-TS clocks wobble by up to a few packets' rounding; a real gap is at least one AAC frame (21 ms). */
export const JITTER_MS = 20;

export interface AudioChunk {
  /** Milliseconds after t = 0; `undefined` = directly behind the chunk before. */
  readonly atMs: number | undefined;
  /** One array per channel, of equal length. */
  readonly planes: readonly Float32Array[];
}

export interface AudioWindow {
  /** One array per channel; only as long as sound was found, at most the window. */
  readonly planes: readonly Float32Array[];
  readonly rate: number;
}

export function layOnWindow(
  chunks: readonly AudioChunk[],
  rate: number,
  windowMs: readonly [start: number, end: number],
): AudioWindow {
  const [startMs, endMs] = windowMs;
  const capacity = Math.max(0, Math.round(((endMs - startMs) * rate) / 1000));
  const channels = chunks[0]?.planes.length ?? 0;
  const planes = Array.from({ length: channels }, () => new Float32Array(capacity));
  const jitter = Math.round((JITTER_MS * rate) / 1000);
  let cursor = Number.NaN;
  let filled = 0;
  for (const { atMs, planes: source } of chunks) {
    const length = source[0]?.length ?? 0;
    const stated = atMs === undefined ? Number.NaN : Math.round(((atMs - startMs) * rate) / 1000);
    let at = Number.isNaN(cursor) || Math.abs(stated - cursor) > jitter ? stated : cursor;
    if (Number.isNaN(at)) at = Number.isNaN(cursor) ? 0 : cursor;
    const overlap = Number.isNaN(cursor) ? 0 : Math.max(0, cursor - at);
    const from = Math.max(overlap, -at, 0);
    const to = Math.min(length, capacity - at);
    if (to > from) {
      planes.forEach((plane, index) => {
        const samples = source[index];
        if (samples !== undefined) plane.set(samples.subarray(from, to), at + from);
      });
      filled = Math.max(filled, at + to);
    }
    cursor = Number.isNaN(cursor) ? at + length : Math.max(cursor, at + length);
  }
  return { planes: planes.map((plane) => plane.subarray(0, filled)), rate };
}

/** Mono by fixed coefficients; what is not a number becomes silence. */
export function mixToMono(planes: readonly Float32Array[], coefficients: readonly number[]): Float32Array {
  const mono = new Float32Array(planes[0]?.length ?? 0);
  planes.forEach((plane, index) => {
    const gain = coefficients[index] ?? 0;
    if (gain === 0) return;
    for (let i = 0; i < mono.length; i++) mono[i] = (mono[i] ?? 0) + gain * (plane[i] ?? 0);
  });
  for (let i = 0; i < mono.length; i++) if (!Number.isFinite(mono[i])) mono[i] = 0;
  return mono;
}

/** Limits to [-1, 1] in place (a resampler overshoots at full scale); what is not a number becomes silence. */
export function clampSamples(samples: Float32Array): Float32Array {
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i] ?? 0;
    samples[i] = Number.isNaN(value) ? 0 : Math.min(1, Math.max(-1, value));
  }
  return samples;
}
