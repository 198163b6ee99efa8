import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockPool } from '../../../src/adapters/objects-s3/block-pool.ts';

describe('BlockPool', () => {
  it('holds no more than it may, of all objects together and of each one (C1)', () => {
    const step = fc.record({
      object: fc.nat({ max: 3 }),
      index: fc.nat({ max: 20 }),
      bytes: fc.integer({ min: 1, max: 50 }),
      what: fc.constantFrom('put' as const, 'get' as const, 'drop' as const, 'clear' as const),
    });
    const check = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const pool = new BlockPool({ cacheBytes: 200, cacheBytesPerObject: 120 });
      const objects = [0, 1, 2, 3].map(() => pool.forObject());
      for (const { object, index, bytes, what } of steps) {
        const blocks = objects[object];
        if (what === 'put') blocks?.put({ index, bytes: new Uint8Array(bytes) });
        else if (what === 'clear') blocks?.clear();
        else blocks?.[what](index);
        const held = objects.map((each) =>
          Array.from({ length: 21 }, (_, i) => (each.has(i) ? (each.get(i)?.length ?? 0) : 0)).reduce(
            (a, b) => a + b,
          ),
        );
        expect(pool.bytes).toBe(held.reduce((a, b) => a + b));
        expect(pool.bytes).toBeLessThanOrEqual(200);
        expect(Math.max(...held)).toBeLessThanOrEqual(120);
      }
    });
    fc.assert(check);
  });

  it('lets go of what was used longest ago', () => {
    const pool = new BlockPool({ cacheBytes: 30, cacheBytesPerObject: 30 });
    const [a, b] = [pool.forObject(), pool.forObject()];
    a.put({ index: 0, bytes: new Uint8Array(10) });
    b.put({ index: 0, bytes: new Uint8Array(10) });
    a.put({ index: 1, bytes: new Uint8Array(10) });
    a.get(0);
    b.put({ index: 1, bytes: new Uint8Array(10) });
    expect([a.has(0), a.has(1), b.has(0), b.has(1)]).toEqual([true, true, false, true]);
  });
});
