import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../src/runtime/backfill/token-bucket.ts';
import { FakeClock } from '../../../src/testing/fake-clock.ts';

describe('TokenBucket', () => {
  it('never gives more than its rate and one second in advance, however it is asked', async () => {
    const asks = fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 50 })), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0.1, max: 100, noNaN: true }), asks, async (perSecond, all) => {
        const clock = new FakeClock();
        const bucket = new TokenBucket(clock, perSecond);
        const startedAt = clock.now();
        let taken = 0;
        for (const [waitMs, most] of all) {
          clock.fireNext(clock.now() + waitMs);
          taken += bucket.take(most);
          const seconds = (clock.now() - startedAt) / 1_000;
          expect(taken).toBeLessThanOrEqual(perSecond * seconds + Math.max(1, perSecond) + 1e-6);
        }
      }),
    );
  });

  it('says when the next one is there, and takes back what was not used', () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket(clock, 2);
    expect(bucket.take(10)).toBe(1);
    expect(bucket.waitMs()).toBe(500);
    clock.fireNext(clock.now() + 500);
    expect([bucket.waitMs(), bucket.take(10), bucket.take(10)]).toEqual([0, 1, 0]);
    bucket.giveBack(1);
    expect(bucket.take(10)).toBe(1);
  });
});
