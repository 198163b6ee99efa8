/** SQLite's result codes as the closed list's codes. Nothing is decided by message text. */
import { FirstFiveError, toFirstFiveError } from '../../core/errors.ts';

/** Primary result codes (https://www.sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const ADVICE: Readonly<Record<number, string>> = {
  3: 'permission denied; check the owner and mode of the file and its folder',
  7: 'out of memory',
  8: 'it is read-only; check its mode, its folder and how the disk is mounted',
  10: 'the disk reported an I/O error; check the disk',
  13: 'the disk is full; make room',
  14: 'it cannot be opened; check the path and its permissions',
  [CORRUPT]: 'it is damaged; stop every process that uses it, then restore it or move it aside',
  [NOT_A_DATABASE]: 'it is not a log; choose another path',
};

/** Primary result code of something that `node:sqlite` threw; `undefined` for everything else. */
export function sqliteCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('errcode' in thrown)) return undefined;
  return typeof thrown.errcode === 'number' ? thrown.errcode & 0xff : undefined;
}

/** True when another connection holds a lock that is soon given back. */
export function isBusy(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code === BUSY || code === LOCKED;
}

/** `LOG_UNAVAILABLE` with what to do, or `INTERNAL` for what only a defect of ours can cause. */
export function toLogError(thrown: unknown, path: string): FirstFiveError {
  const code = sqliteCode(thrown);
  if (isBusy(thrown)) {
    return new FirstFiveError('LOG_UNAVAILABLE', `the log ${path} is kept busy by another process`, {
      cause: thrown,
    });
  }
  const advice = code === undefined ? undefined : ADVICE[code];
  if (advice === undefined) return toFirstFiveError(thrown);
  return new FirstFiveError('LOG_UNAVAILABLE', `the log ${path} cannot be used: ${advice}`, {
    cause: thrown,
  });
}
