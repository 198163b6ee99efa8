/** Which dead letters a command is about: every condition given must hold. */
import { FirstFiveError, isErrorCode } from '../../core/errors.ts';
import { parseMoment } from '../moments.ts';
import type { StoredDeadLetter } from './dead-letter-scan.ts';

export interface DeadLetterFilter {
  readonly code?: string;
  readonly stage?: string;
  /** Last failure at or after; milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** Last failure before; milliseconds since the epoch. */
  readonly untilMs?: number;
  /** The record's key as text. */
  readonly upload?: string;
  /** The topic that the record came from. */
  readonly origin?: string;
}

export interface DeadLetterFlags {
  readonly code?: string;
  readonly stage?: string;
  readonly since?: string;
  readonly until?: string;
  readonly upload?: string;
  readonly origin?: string;
}

export function deadLetterFilter(flags: DeadLetterFlags, now: number): DeadLetterFilter {
  const { code, stage, since, until, upload, origin } = flags;
  if (code !== undefined && code !== 'UNKNOWN' && !isErrorCode(code)) {
    throw new FirstFiveError(
      'USAGE',
      `--code: ${JSON.stringify(code)} is no error code; see docs/specs/records.md`,
    );
  }
  return {
    ...(code === undefined ? {} : { code }),
    ...(stage === undefined ? {} : { stage }),
    ...(since === undefined ? {} : { sinceMs: parseMoment('--since', since, now) }),
    ...(until === undefined ? {} : { untilMs: parseMoment('--until', until, now) }),
    ...(upload === undefined ? {} : { upload }),
    ...(origin === undefined ? {} : { origin }),
  };
}

export function matches(stored: StoredDeadLetter, filter: DeadLetterFilter): boolean {
  const { letter, upload } = stored;
  return (
    (filter.code === undefined || letter.code === filter.code) &&
    (filter.stage === undefined || letter.stage === filter.stage) &&
    (filter.sinceMs === undefined || letter.lastFailureAt >= filter.sinceMs) &&
    (filter.untilMs === undefined || letter.lastFailureAt < filter.untilMs) &&
    (filter.origin === undefined || letter.origin.topic === filter.origin) &&
    (filter.upload === undefined || upload === filter.upload)
  );
}
