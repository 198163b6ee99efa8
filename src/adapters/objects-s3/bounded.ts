/** Work with a time limit, a number of attempts, and a signal that ends it from outside. */
import { FirstFiveError } from '../../core/errors.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { S3Failure, toFailure } from './failure.ts';

export interface TimeLimit {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** What took too long, for the message. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` with a signal that aborts on time-out or with the outer signal. Rejects with a transient `S3Failure` after
 * a time-out and with the outer signal's reason after an abort, even if `work` itself never settles.
 */
export async function withinTime<T>(limit: TimeLimit, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, timeoutMs, what, signal: outer } = limit;
  outer?.throwIfAborted();
  const controller = new AbortController();
  const stop = () => controller.abort(outer?.reason);
  outer?.addEventListener('abort', stop, { once: true });
  const cancel = clock.after(timeoutMs, () =>
    controller.abort(new S3Failure('transient', `${what}: nothing within ${timeoutMs} ms`)),
  );
  try {
    return await Promise.race([work(controller.signal), rejectionOf(controller.signal)]);
  } catch (thrown) {
    // Whatever form the abort took on its way through the SDK, the reason is what happened.
    throw controller.signal.aborted ? controller.signal.reason : thrown;
  } finally {
    cancel();
    outer?.removeEventListener('abort', stop);
  }
}

export function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

export interface RetryPolicy {
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly operationTimeoutMs: number;
  readonly onRetry?: () => void;
}

/**
 * Tries until it works, fails for good, or is out of attempts or time. Waits in between with full jitter: uniform in
 * [0, min(max, initial * 2^(n-1))] (AWS Architecture Blog, "Exponential Backoff And Jitter"), or as long as the server's
 * `Retry-After` says. Rejects with an `S3Failure`, with the reason of `signal`,
 * or with a `FirstFiveError` that `work` threw, which is never tried again.
 */
export function retrying<T>(
  policy: RetryPolicy,
  work: (signal: AbortSignal, attempt: number) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const limit = {
    clock: policy.clock,
    timeoutMs: policy.operationTimeoutMs,
    what: 'all attempts together',
    signal,
  };
  return withinTime(limit, async (inner) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(inner, attempt);
      } catch (thrown) {
        if (inner.aborted) throw inner.reason;
        if (thrown instanceof FirstFiveError) throw thrown;
        const failure = toFailure(thrown);
        const again = failure.kind === 'transient' || failure.kind === 'conflict';
        if (!again || attempt >= policy.maxAttempts) throw failure;
        policy.onRetry?.();
        await sleep(policy.clock, waitMs(policy, attempt, failure), inner);
        inner.throwIfAborted();
      }
    }
  });
}

function waitMs(policy: RetryPolicy, attempt: number, failure: S3Failure): number {
  const ceiling = Math.min(policy.maxBackoffMs, policy.initialBackoffMs * 2 ** (attempt - 1));
  const jittered = policy.random() * ceiling;
  return Math.max(jittered, Math.min(failure.retryAfterMs ?? 0, policy.maxBackoffMs));
}
