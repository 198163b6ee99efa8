import { describe, expect, it } from 'vitest';
import { catchUp, compareOrder, memoryTable } from '../../src/runtime/latest-table.ts';
import { REVISION_HEADER, TIER_HEADER } from '../../src/runtime/record-headers.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { newLog, OUTPUT } from './fixtures.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const emission = (id: string, revision: number, tier: number, value: Uint8Array | null = bytes('x')) => ({
  topic: OUTPUT,
  partition: 0,
  timestamp: 1,
  key: bytes(id),
  value,
  headers: [
    [REVISION_HEADER, bytes(String(revision))],
    [TIER_HEADER, bytes(String(tier))],
  ] as const,
});

describe('the table of latest emissions', () => {
  it('is rebuilt from the topic: the highest revision and tier of each upload, erased ones gone', async () => {
    const log = await newLog(new FakeClock(), 1);
    const table = memoryTable();
    await log.append([
      emission('a', 2, 1),
      emission('a', 1, 9),
      emission('b', 0, 0),
      emission('c', 5, 1),
      emission('c', 5, 1, null),
    ]);
    await catchUp(log, table, OUTPUT, [0]);
    expect(table.get('a')).toEqual({ revision: 2, tier: 1 });
    expect(table.get('b')).toEqual({ revision: 0, tier: 0 });
    expect(table.get('c')).toBeUndefined();
  });

  it('reads on from where it stood, not from the beginning', async () => {
    const log = await newLog(new FakeClock(), 1);
    const table = memoryTable();
    await log.append([emission('a', 2, 1)]);
    await catchUp(log, table, OUTPUT, [0]);
    expect(table.appliedUpTo(OUTPUT, 0)).toBe(1n);
    table.apply([{ id: 'a', removed: true }]);
    await log.append([emission('b', 1, 1)]);
    await catchUp(log, table, OUTPUT, [0]);
    expect(table.get('a')).toBeUndefined();
    expect(table.get('b')).toEqual({ revision: 1, tier: 1 });
  });

  it('is rebuilt when it was made from another log', async () => {
    const table = memoryTable();
    const old = await newLog(new FakeClock(), 1);
    await old.append([emission('a', 5, 1), emission('a', 6, 1)]);
    await catchUp(old, table, OUTPUT, [0]);
    const fresh = await newLog(new FakeClock(), 1);
    await fresh.append([emission('b', 0, 1)]);
    await catchUp(fresh, table, OUTPUT, [0]);
    expect(table.get('a')).toBeUndefined();
    expect(table.get('b')).toEqual({ revision: 0, tier: 1 });
    expect(table.appliedUpTo(OUTPUT, 0)).toBe(1n);
  });

  it('orders by revision first, then by tier', () => {
    expect(compareOrder({ revision: 1, tier: 0 }, { revision: 0, tier: 9 })).toBeGreaterThan(0);
    expect(compareOrder({ revision: 1, tier: 0 }, { revision: 1, tier: 1 })).toBeLessThan(0);
    expect(compareOrder({ revision: 1, tier: 1 }, { revision: 1, tier: 1 })).toBe(0);
  });
});
