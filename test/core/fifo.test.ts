import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from '../../src/core/fifo.ts';

describe('Fifo', () => {
  it('gives back what an array would, for any mix of pushes and shifts', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat()), { maxLength: 5_000, size: 'max' }), (steps) => {
        const fifo = new Fifo<number>();
        const reference: number[] = [];
        for (const step of steps) {
          if (step === null) expect(fifo.shift()).toBe(reference.shift());
          else {
            fifo.push(step);
            reference.push(step);
          }
          expect(fifo.size).toBe(reference.length);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('stays right past the point where it drops what was taken', () => {
    const fifo = new Fifo<number>();
    for (let i = 0; i < 10_000; i++) fifo.push(i);
    for (let i = 0; i < 9_999; i++) expect(fifo.shift()).toBe(i);
    fifo.push(-1);
    expect([fifo.shift(), fifo.shift(), fifo.shift()]).toEqual([9_999, -1, undefined]);
  });
});
