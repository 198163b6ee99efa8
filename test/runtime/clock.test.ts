import { describe, expect, it } from 'vitest';
import { Pulse } from '../../src/runtime/clock.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

describe('Pulse', () => {
  it('wakes everybody who waits, once', async () => {
    const pulse = new Pulse();
    const woken = Promise.all([pulse.next(), pulse.next()]);
    pulse.announce();
    await woken;
    expect(pulse.waiting).toBe(0);
  });

  it('wakes who waits for a time when the time is up, and forgets the wait', async () => {
    const [pulse, clock] = [new Pulse(), new FakeClock()];
    const wait = pulse.nextWithin(clock, 200);
    expect(pulse.waiting).toBe(1);
    await clock.advance(200);
    await wait;
    expect(pulse.waiting).toBe(0);
  });

  it('wakes who waits for a time at an announcement before it, and leaves no timer behind', async () => {
    const [pulse, clock] = [new Pulse(), new FakeClock()];
    let wakeUps = 0;
    const wait = pulse.nextWithin(clock, 200).then(() => wakeUps++);
    pulse.announce();
    await wait;
    expect(clock.nextAt).toBeUndefined();
    await clock.advance(1_000);
    expect(wakeUps).toBe(1);
  });
});
