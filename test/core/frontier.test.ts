import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Frontier } from '../../src/core/frontier.ts';
import { collectGarbage } from '../support/collect-garbage.ts';

interface Work {
  readonly offset: bigint;
}

/** Offsets with gaps, and an order in which their work finishes. */
const workload = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 60 }).chain((steps) => {
  let offset = 0n;
  const offsets = steps.map((step) => {
    offset += BigInt(step);
    return offset;
  });
  return fc.record({
    offsets: fc.constant(offsets),
    order: fc.shuffledSubarray(offsets, { minLength: offsets.length, maxLength: offsets.length }),
    commitAfter: fc.array(fc.boolean(), { minLength: offsets.length, maxLength: offsets.length }),
  });
});

describe('Frontier', () => {
  it('offers every record exactly once, in offset order, however the work finishes', () => {
    fc.assert(
      fc.property(workload, ({ offsets, order, commitAfter }) => {
        const frontier = new Frontier<Work>();
        const finish = new Map(offsets.map((offset) => [offset, frontier.add(offset)]));
        const committed: bigint[] = [];
        order.forEach((offset, i) => {
          finish.get(offset)?.({ offset });
          if (!commitAfter[i]) return;
          const ready = frontier.finished(10);
          if (ready.length === 0) return;
          expect(frontier.nextAfter(ready.length)).toBe((ready.at(-1)?.offset ?? 0n) + 1n);
          committed.push(...ready.map((work) => work.offset));
          frontier.advance(ready.length);
        });
        committed.push(...frontier.finished(1_000).map((work) => work.offset));
        expect(committed).toEqual(offsets);
      }),
    );
  });

  it('never moves over unfinished work, and names the oldest of it', () => {
    const frontier = new Frontier<Work>();
    const first = frontier.add(5n);
    const second = frontier.add(9n);
    second({ offset: 9n });
    expect(frontier.finishedCount).toBe(0);
    expect(frontier.oldestUnfinished).toBe(5n);
    expect(() => frontier.nextAfter(1)).toThrow(RangeError);
    first({ offset: 5n });
    expect(frontier.finishedCount).toBe(2);
    expect(frontier.nextAfter(2)).toBe(10n);
    expect(frontier.oldestUnfinished).toBeUndefined();
  });

  it('refuses offsets that do not grow', () => {
    const frontier = new Frontier<Work>();
    frontier.add(3n);
    expect(() => frontier.add(3n)).toThrow(RangeError);
  });

  it('keeps the first result when one is filed twice', () => {
    const frontier = new Frontier<Work>();
    const finish = frontier.add(1n);
    finish({ offset: 1n });
    finish({ offset: 2n });
    expect(frontier.finished(1)).toEqual([{ offset: 1n }]);
  });

  it('frees what it advanced over, while later work is still under way', async () => {
    const frontier = new Frontier<Work>();
    const results = [1n, 2n, 3n].map((offset) => {
      const work = { offset };
      frontier.add(offset)(work);
      return new WeakRef(work);
    });
    frontier.add(4n);
    frontier.advance(2);
    await collectGarbage();
    expect(results.map((result) => result.deref())).toEqual([undefined, undefined, { offset: 3n }]);
    expect(frontier.size).toBe(2);
    expect(() => frontier.add(2n)).toThrow(RangeError);
  });
});
