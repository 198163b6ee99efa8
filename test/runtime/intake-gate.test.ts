import { describe, expect, it } from 'vitest';
import { FirstFiveError } from '../../src/core/errors.ts';
import { IntakeGate } from '../../src/runtime/intake-gate.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

const away = () => new FirstFiveError('STORE_UNAVAILABLE', 'away');

async function opensAfter(gate: IntakeGate, clock: FakeClock): Promise<number> {
  const start = clock.now();
  let open = false;
  void gate.passable(new AbortController().signal).then(() => {
    open = true;
  });
  for (let waited = 0; !open && waited < 200_000; waited += 50) await clock.advance(50);
  return clock.now() - start;
}

describe('IntakeGate', () => {
  it('is open until something systemic fails', async () => {
    const clock = new FakeClock();
    expect(await opensAfter(new IntakeGate(clock, () => 1), clock)).toBeLessThanOrEqual(50);
  });

  it('stays closed longer after each failure, up to a minute, and forgets on success', async () => {
    const clock = new FakeClock();
    const gate = new IntakeGate(clock, () => 1);
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      gate.fail(away());
      waits.push(await opensAfter(gate, clock));
    }
    expect(waits[0]).toBeLessThanOrEqual(300);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(59_000);
    expect(waits.at(-1)).toBeLessThanOrEqual(60_100);
    expect(gate.closedFor?.error.code).toBe('STORE_UNAVAILABLE');
    gate.succeed();
    expect(gate.closedFor).toBeUndefined();
  });

  it('counts failures that come together once', async () => {
    const clock = new FakeClock();
    const gate = new IntakeGate(clock, () => 1);
    for (let i = 0; i < 20; i++) gate.fail(away());
    expect(await opensAfter(gate, clock)).toBeLessThanOrEqual(300);
  });

  it('lets a waiter go when it is told to stop', async () => {
    const clock = new FakeClock();
    const gate = new IntakeGate(clock, () => 1);
    gate.fail(away());
    const stop = new AbortController();
    const waiting = gate.passable(stop.signal);
    stop.abort();
    await waiting;
  });
});
