/** A point in time as people give it on the command line. */
import { parseDuration } from '../config/quantities.ts';
import { FirstFiveError } from '../core/errors.ts';

/** ISO 8601, milliseconds since the epoch, or how long ago (`15m`, `2h`, `7d`) to milliseconds since the epoch. */
export function parseMoment(flag: string, text: string, now: number): number {
  const ago = /^\d{12,}$/.test(text) ? undefined : parseDuration(text);
  if (ago !== undefined) return now - ago;
  const time = /^\d{12,15}$/.test(text) ? Number(text) : isoTime(text);
  if (Number.isSafeInteger(time)) return time;
  throw new FirstFiveError(
    'USAGE',
    `${flag}: ${JSON.stringify(text)} is no time; write 2026-11-21T09:30:00Z, milliseconds since 1970, or 15m for 15 minutes ago`,
  );
}

/** A count given on the command line. */
export function parseCount(flag: string, text: string): number {
  const count = Number(text);
  if (/^\d{1,12}$/.test(text) && count > 0) return count;
  throw new FirstFiveError('USAGE', `${flag}: ${JSON.stringify(text)} is no whole number from 1`);
}

function isoTime(text: string): number {
  return /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?$/.test(text) ? Date.parse(text) : Number.NaN;
}
