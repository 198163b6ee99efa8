import { describe, expect, it } from 'vitest';
import { BodyWatch } from '../../../src/adapters/objects-s3/body-watch.ts';
import { FakeClock } from '../../../src/testing/fake-clock.ts';

const LIMITS = { idleTimeoutMs: 1_000, minBytesPerSecond: 100 };

/** Feeds `bytes` every `everyMs` for `forMs`; the time at which it was given up, if it was. */
async function givenUpAt(bytes: number, everyMs: number, forMs: number): Promise<number | undefined> {
  const clock = new FakeClock(0);
  let at: number | undefined;
  const watch = new BodyWatch(clock, LIMITS, () => {
    at ??= clock.now();
  });
  for (let time = everyMs; time <= forMs && at === undefined; time += everyMs) {
    await clock.advance(everyMs);
    watch.came(bytes);
  }
  watch.end();
  await clock.advance(10_000);
  return at;
}

describe('BodyWatch', () => {
  it('gives up a body that stops', async () => {
    expect(await givenUpAt(1_000, 5_000, 5_000)).toBe(1_000);
  });

  it('gives up a body that drips', async () => {
    expect(await givenUpAt(1, 100, 60_000)).toBe(1_000);
  });

  it('bears a body at its lowest rate, however long', async () => {
    expect(await givenUpAt(20, 100, 60_000)).toBeUndefined();
  });

  it('watches no longer than the body lasts', async () => {
    expect(await givenUpAt(1, 100, 500)).toBeUndefined();
  });
});
