import { describe, expect, it } from 'vitest';
import { type RetryPolicy, retrying, withinTime } from '../../../src/adapters/objects-s3/bounded.ts';
import { S3Failure } from '../../../src/adapters/objects-s3/failure.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { FakeClock, settle } from '../../../src/testing/fake-clock.ts';

const transient = () => new S3Failure('transient', 'down');

function policy(clock: FakeClock, changes: Partial<RetryPolicy> = {}): RetryPolicy {
  return {
    ...{ clock, random: () => 1, maxAttempts: 5 },
    ...{ initialBackoffMs: 100, maxBackoffMs: 500, operationTimeoutMs: 10_000 },
    ...changes,
  };
}

/** Times of the attempts, in milliseconds from the first. */
async function attemptTimes(changes: Partial<RetryPolicy>, failure = transient): Promise<number[]> {
  const clock = new FakeClock(0);
  const times: number[] = [];
  const work = () => {
    times.push(clock.now());
    return Promise.reject(failure());
  };
  const ended = expect(retrying(policy(clock, changes), work)).rejects.toBeInstanceOf(Error);
  await clock.advance(60_000);
  await ended;
  return times;
}

describe('retrying', () => {
  it('doubles its waits up to the ceiling, and stops after its attempts', async () => {
    expect(await attemptTimes({})).toEqual([0, 100, 300, 700, 1_200]);
  });

  it('waits with full jitter: anything from nothing on', async () => {
    expect(await attemptTimes({ random: () => 0 })).toEqual([0, 0, 0, 0, 0]);
    expect(await attemptTimes({ random: () => 0.5 })).toEqual([0, 50, 150, 350, 600]);
  });

  it("waits as long as the server's Retry-After says, up to the ceiling", async () => {
    const busyFor = (retryAfterMs: number) => () => new S3Failure('transient', 'busy', { retryAfterMs });
    expect(await attemptTimes({ random: () => 0, maxAttempts: 3 }, busyFor(200))).toEqual([0, 200, 400]);
    expect(await attemptTimes({ random: () => 0, maxAttempts: 2 }, busyFor(60_000))).toEqual([0, 500]);
  });

  it('ends at its deadline, however many attempts are left', async () => {
    expect(await attemptTimes({ maxAttempts: 1_000, operationTimeoutMs: 1_000 })).toEqual([0, 100, 300, 700]);
  });

  it.each(['missing', 'denied', 'credentials', 'precondition', 'refused', 'defect'] as const)(
    'does not try again what is %s',
    async (kind) => {
      expect(await attemptTimes({}, () => new S3Failure(kind, kind))).toEqual([0]);
    },
  );

  it('does not try again what already has its code', async () => {
    const clock = new FakeClock();
    const work = () => Promise.reject(new FirstFiveError('MEDIA_CHANGED', 'other bytes'));
    await expect(retrying(policy(clock), work)).rejects.toMatchObject({ code: 'MEDIA_CHANGED' });
  });

  it('does not try again what our own code got wrong', async () => {
    const clock = new FakeClock();
    const work = () => Promise.reject(new TypeError('x is not a function'));
    await expect(retrying(policy(clock), work)).rejects.toMatchObject({ kind: 'defect' });
  });

  it('stops waiting when it is told to', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const ended = expect(
      retrying(policy(clock), () => Promise.reject(transient()), controller.signal),
    ).rejects.toThrow('enough');
    await settle();
    controller.abort(new Error('enough'));
    await ended;
  });
});

describe('withinTime', () => {
  it('fails with a transient failure and aborts the work when the time is up', async () => {
    const clock = new FakeClock();
    let inner: AbortSignal | undefined;
    const never = (signal: AbortSignal) => {
      inner = signal;
      return new Promise<never>(() => {});
    };
    const ended = expect(withinTime({ clock, timeoutMs: 50, what: 'GET' }, never)).rejects.toMatchObject({
      kind: 'transient',
    });
    await clock.advance(50);
    await ended;
    expect(inner?.aborted).toBe(true);
  });

  it('does no work for a signal that is aborted already', async () => {
    let worked = false;
    const work = async () => {
      worked = true;
    };
    const signal = AbortSignal.abort(new Error('late'));
    await expect(
      withinTime({ clock: new FakeClock(), timeoutMs: 5, what: 'GET', signal }, work),
    ).rejects.toThrow('late');
    expect(worked).toBe(false);
  });
});
