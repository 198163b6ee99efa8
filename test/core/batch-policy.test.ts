import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchPolicy, decideBatch, type WaitingItem } from '../../src/core/batch-policy.ts';

const policy: BatchPolicy = { maxItems: 4, maxRows: 10, maxBytes: 100, maxDelayMs: 5, maxInFlight: 1 };
const waiting = (rows: number, enqueuedAt = 0, bytes = 1): WaitingItem => ({ rows, bytes, enqueuedAt });
const at = (now: number) => ({ now, draining: false });

describe('the batch policy', () => {
  it('waits for company until the oldest item has waited long enough', () => {
    const lanes = [[waiting(1, 100), waiting(1, 103)], []];
    expect(decideBatch(lanes, policy, at(104))).toEqual({ kind: 'wait', untilMs: 105 });
    expect(decideBatch(lanes, policy, at(105))).toEqual({ kind: 'flush', trigger: 'delay', take: [2, 0] });
  });

  it.each([
    ['count', Array.from({ length: 6 }, () => waiting(1)), 4],
    ['rows', [waiting(5), waiting(5), waiting(1)], 2],
    ['rows that would overflow', [waiting(6), waiting(5)], 1],
    ['bytes', [waiting(1, 0, 60), waiting(1, 0, 60)], 1],
  ] as const)('is full by %s', (_limit, items, taken) => {
    expect(decideBatch([items, []], policy, at(0))).toEqual({
      kind: 'flush',
      trigger: 'full',
      take: [taken, 0],
    });
  });

  it('takes an item that alone exceeds a limit, alone', () => {
    expect(decideBatch([[waiting(99, 0, 999), waiting(1)], []], policy, at(0))).toEqual({
      kind: 'flush',
      trigger: 'full',
      take: [1, 0],
    });
  });

  it('lets backfill fill what live leaves, also when backfill has waited longer', () => {
    const lanes = [
      [waiting(3, 50), waiting(3, 50)],
      [waiting(4, 0), waiting(4, 0)],
    ];
    expect(decideBatch(lanes, policy, at(50))).toEqual({ kind: 'flush', trigger: 'full', take: [2, 1] });
  });

  it('does not wait while draining, and has nothing to do without items', () => {
    expect(decideBatch([[waiting(1)], []], policy, { now: 0, draining: true })).toMatchObject({
      trigger: 'drain',
    });
    expect(decideBatch([[], []], policy, { now: 0, draining: true })).toEqual({ kind: 'idle' });
  });

  it('never takes more than it may, nor nothing', () => {
    const items = fc.array(
      fc.record({
        rows: fc.integer({ min: 1, max: 12 }),
        bytes: fc.integer({ min: 1, max: 120 }),
        enqueuedAt: fc.nat(20),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(items, items, fc.nat(40), (live, backfill, now) => {
        const decision = decideBatch([live, backfill], policy, at(now));
        if (decision.kind !== 'flush') return;
        const [fromLive = 0, fromBackfill = 0] = decision.take;
        const batch = [...live.slice(0, fromLive), ...backfill.slice(0, fromBackfill)];
        const sum = (key: 'rows' | 'bytes') => batch.reduce((total, item) => total + item[key], 0);
        expect(batch.length).toBeGreaterThan(0);
        if (fromBackfill > 0) expect(fromLive).toBe(live.length);
        if (batch.length === 1) return;
        expect(batch.length).toBeLessThanOrEqual(policy.maxItems);
        expect(sum('rows')).toBeLessThanOrEqual(policy.maxRows);
        expect(sum('bytes')).toBeLessThanOrEqual(policy.maxBytes);
      }),
    );
  });
});
