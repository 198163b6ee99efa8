/** When a failed attempt is tried again. Pure: randomness comes in as an argument. */
import type { ErrorCode, FirstFiveError } from './errors.ts';

export interface BackoffPolicy {
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
}

/**
 * Exponential backoff with full jitter over its upper half: uniform in [d/2, d], d = initial * 2^(attempt - 1), capped.
 * (AWS Architecture Blog, "Exponential Backoff And Jitter": without jitter, those that failed together return together.)
 */
export function backoffMs(policy: BackoffPolicy, attempt: number, random: number): number {
  const full = Math.min(policy.maxBackoffMs, policy.initialBackoffMs * 2 ** Math.max(0, attempt - 1));
  return full / 2 + (full / 2) * random;
}

/** A file that kills its decoder, or outlasts its deadline, is tried once more, alone in a child, and no further. */
const TRIED_TWICE: ReadonlySet<ErrorCode> = new Set([
  'DECODE_CRASHED',
  'DECODE_TIMEOUT',
  'STEP_TIMEOUT',
  'INTERNAL',
]);

export type FailureDecision = 'retry' | 'park' | 'reject' | 'pause';

/**
 * What becomes of a record after its `attempt`-th attempt failed, attempts before a stay in a retry topic included.
 * `pause` spends no budget. `park`: what may pass, and has outlasted the attempts made in place, waits in the next retry
 * topic while there is one (`canPark`).
 */
export function decideFailure(
  error: FirstFiveError,
  attempt: number,
  maxAttempts: number,
  canPark = false,
): FailureDecision {
  if (error.kind === 'systemic') return 'pause';
  if (error.kind !== 'retryable') return 'reject';
  const isTriedTwice = TRIED_TWICE.has(error.code);
  if (attempt < (isTriedTwice ? Math.min(2, maxAttempts) : maxAttempts)) return 'retry';
  return canPark && !isTriedTwice ? 'park' : 'reject';
}
