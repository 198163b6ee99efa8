/** From a view's selection rule and the frames that there are, to the indices of the frames to show (N1 to N3 of view.ts). */
import { answerIndex } from '../media/targets.ts';
import { roundHalfEven } from '../resample/taps.ts';
import type { FrameSelection } from './view.ts';

export interface FrameTimes {
  /** Rising milliseconds after t = 0, of every frame that counts. */
  readonly timesMs: readonly number[];
  /** Average frames per second. */
  readonly fps: number;
}

/** Indices into `timesMs`, in the tensor's order, repeats included; empty only when there is no frame. */
export function selectFrames(select: FrameSelection, { timesMs, fps }: FrameTimes): number[] {
  const total = timesMs.length;
  if (total === 0) return [];
  return indicesOf(select, { timesMs, fps }, total).map((index) => Math.min(total - 1, Math.max(0, index)));
}

function indicesOf(select: FrameSelection, { timesMs, fps }: FrameTimes, total: number): number[] {
  switch (select.rule) {
    case 'times':
      return select.atMs.map((atMs) => answerIndex(timesMs, atMs));
    case 'second-starts':
      return secondStarts(select.count, total, fps);
    case 'second-middles':
      return secondMiddles(select.count, total, fps);
    case 'second-runs':
      return secondRuns(select, total, fps);
    case 'segment-middles': {
      const step = (total - 1) / select.count;
      return times(select.count, (i) => roundHalfEven(step * i + step / 2 + 1e-6));
    }
    case 'stretch-middles': {
      const edge = (i: number) => Math.trunc(evenly(0, total, select.count + 1, i));
      return times(select.count, (i) => Math.trunc((edge(i) + edge(i + 1)) / 2));
    }
    case 'even':
      return even(select.count, total).slice(0, select.take);
    case 'paced':
      return even(pacedCount(select, total, fps), total).slice(0, select.take);
    case 'segment-runs':
      return segmentRuns(select, total);
    case 'dense':
      return dense(select, total);
  }
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** `numpy.linspace(start, stop, count)[i]`. */
function evenly(start: number, stop: number, count: number, i: number): number {
  if (count === 1) return start;
  return i === count - 1 ? stop : start + i * ((stop - start) / (count - 1));
}

function secondStarts(count: number, total: number, fps: number): number[] {
  if (total < count * fps) return times(count, (i) => Math.trunc(evenly(0, total - 1, count, i)));
  return times(count, (i) => Math.trunc(i * fps));
}

function framesPerSecond(fps: number): number {
  return Math.max(1, roundHalfEven(fps));
}

function secondMiddles(count: number, total: number, fps: number): number[] {
  const second = framesPerSecond(fps);
  const middle = Math.trunc(second / 2);
  const there = Math.max(0, Math.ceil((total - middle) / second));
  // A video under half a second has no middle: its last frame stands for it.
  return times(count, (i) => (there === 0 ? total - 1 : middle + Math.min(i, there - 1) * second));
}

function secondRuns({ count, frames }: { count: number; frames: number }, total: number, fps: number) {
  const second = framesPerSecond(fps);
  const there = Math.max(1, Math.floor(total / second));
  return times(count, (i) => Math.min(i, there - 1) * second).flatMap((start) =>
    times(frames, (k) => Math.min(total - 1, start + k)),
  );
}

/** `torch.linspace(0, total - 1, count).round()`: float32, from both ends towards the middle. */
function even(count: number, total: number): number[] {
  const last = Math.fround(total - 1);
  const step = count > 1 ? Math.fround(last / (count - 1)) : 0;
  const half = Math.floor(count / 2);
  return times(count, (i) =>
    roundHalfEven(
      count === 1 || i < half
        ? Math.fround(step * i)
        : Math.fround(last - Math.fround(step * (count - i - 1))),
    ),
  );
}

function pacedCount(select: Extract<FrameSelection, { rule: 'paced' }>, total: number, fps: number): number {
  const { perSecond, min, max, multipleOf } = select;
  const paced = Math.min(Math.max((total / fps) * perSecond, min), max, total);
  return Math.max(1, Math.floor(paced / multipleOf) * multipleOf);
}

function segmentRuns(
  { count, frames, stride }: { count: number; frames: number; stride: number },
  total: number,
) {
  const part = Math.floor(total / count);
  const spare = part - frames * stride;
  // N3: the source draws from [0, spare).
  const offset = spare > 0 ? Math.floor((spare - 1) / 2) : 0;
  return times(count, (i) => part * i + offset).flatMap((start) =>
    times(frames, (k) => (start + k * stride) % total),
  );
}

function dense(select: Extract<FrameSelection, { rule: 'dense' }>, total: number): number[] {
  const { chunk, tailOver, dropLast, maxFrames } = select;
  const usable = Math.min(maxFrames, Math.max(1, total - dropLast));
  const whole = Math.floor(usable / chunk) * chunk;
  const indices = times(whole, (i) => i);
  // N2: fewer frames than one group make one, the last frame repeated.
  if (whole === 0) return times(chunk, (i) => Math.min(i, usable - 1));
  return usable - whole > tailOver ? [...indices, ...times(chunk, (i) => usable - chunk + i)] : indices;
}
