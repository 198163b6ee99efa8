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
