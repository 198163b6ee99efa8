import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../../src/adapters/inference-remote/circuit-breaker.ts';
import { FakeClock } from '../../../src/testing/fake-clock.ts';

function breaker() {
  const clock = new FakeClock();
  return { clock, it: new CircuitBreaker({ failures: 3, coolDownMs: 1_000 }, clock) };
}

function fail({ it }: ReturnType<typeof breaker>, times: number): void {
  for (let i = 0; i < times; i++) it.failed();
}

describe('CircuitBreaker', () => {
  it('opens after so many failures in a row, and not before', () => {
    const tried = breaker();
    fail(tried, 2);
    tried.it.succeeded();
    fail(tried, 2);
    expect(tried.it.admit()).toBe(true);
    tried.it.failed();
    expect(tried.it.state).toBe('open');
    expect(tried.it.admit()).toBe(false);
  });

  it('lets one trial through after the cool-down, and closes when it succeeds', async () => {
    const tried = breaker();
    fail(tried, 3);
    await tried.clock.advance(1_000);
    expect(tried.it.state).toBe('half-open');
    expect([tried.it.admit(), tried.it.admit()]).toEqual([true, false]);
    tried.it.succeeded();
    expect(tried.it.state).toBe('closed');
    expect([tried.it.admit(), tried.it.admit()]).toEqual([true, true]);
  });

  it('opens again when the trial fails', async () => {
    const tried = breaker();
    fail(tried, 3);
    await tried.clock.advance(1_000);
    tried.it.admit();
    tried.it.failed();
    expect(tried.it.state).toBe('open');
    await tried.clock.advance(1_000);
    expect(tried.it.admit()).toBe(true);
  });

  it('lets another trial through when the caller of the first gave up', async () => {
    const tried = breaker();
    fail(tried, 3);
    await tried.clock.advance(1_000);
    tried.it.admit();
    tried.it.abandoned();
    expect(tried.it.admit()).toBe(true);
  });
});
