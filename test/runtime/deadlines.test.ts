import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/runtime/deadlines.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

describe('Deadlines', () => {
  it('calls back exactly those that were not met in time, each at its own moment', async () => {
    const script = fc.array(
      fc.record({
        startAfter: fc.integer({ min: 0, max: 50 }),
        metAfter: fc.option(fc.integer({ min: 0, max: 150 })),
      }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        const clock = new FakeClock(0);
        const deadlines = new Deadlines(clock, 100);
        const late: { index: number; at: number }[] = [];
        const expected: { index: number; at: number }[] = [];
        let start = 0;
        steps.forEach(({ startAfter, metAfter }, index) => {
          start += startAfter;
          const begunAt = start;
          clock.after(begunAt, () => {
            const deadline = deadlines.start(() => late.push({ index, at: clock.now() }));
            if (metAfter !== null) clock.after(metAfter, () => deadline.met());
          });
          if (metAfter === null || metAfter > 100) expected.push({ index, at: begunAt + 100 });
        });
        await clock.advance(start + 400);
        // Met in the very millisecond of the deadline may count either way.
        const onTheEdge = new Set(steps.flatMap(({ metAfter }, index) => (metAfter === 100 ? [index] : [])));
        const clear = (entries: typeof late) => entries.filter(({ index }) => !onTheEdge.has(index));
        expect(clear(late)).toEqual(clear(expected));
      }),
      { numRuns: 40 },
    );
  });
});
