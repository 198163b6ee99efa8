/** libav timestamps as milliseconds. */
import { AV_NOPTS_VALUE } from 'node-av/constants';

/** One multiplication and one division of integers: whole milliseconds come out exact. */
export function toMs(
  timestamp: bigint,
  timeBase: { readonly num: number; readonly den: number },
): number | undefined {
  if (timestamp === AV_NOPTS_VALUE || timeBase.den === 0) return undefined;
  return (Number(timestamp) * timeBase.num * 1000) / timeBase.den;
}

/** Used where neither the container nor the frames say how fast the picture is. */
const DEFAULT_RATE = 25;

/** Average frames per second: as the container states it, else as the frames have it. `timesMs`: after t = 0, rising. */
export function averageRate(
  { avgFrameRate: { num, den } }: { readonly avgFrameRate: { readonly num: number; readonly den: number } },
  timesMs: readonly number[],
): number {
  if (num > 0 && den > 0) return num / den;
  const last = timesMs.at(-1) ?? 0;
  return last > 0 ? ((timesMs.length - 1) * 1000) / last : DEFAULT_RATE;
}
