import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutIntoBuckets } from '../../../src/adapters/inference-onnx/buckets.ts';

const bucketSets = fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 5 });

describe('cutting a batch into buckets', () => {
  it('covers every row once, in order, in the smallest bucket that holds each chunk', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), bucketSets, (rows, buckets) => {
        const chunks = cutIntoBuckets(rows, buckets);
        let next = 0;
        for (const chunk of chunks) {
          expect(chunk.from).toBe(next);
          next += chunk.rows;
          expect(chunk.bucket).toBeGreaterThanOrEqual(chunk.rows);
          expect(buckets.filter((bucket) => bucket >= chunk.rows && bucket < chunk.bucket)).toEqual([]);
        }
        expect(next).toBe(rows);
      }),
    );
  });

  it('leaves a batch that fits in one piece', () => {
    expect(cutIntoBuckets(7, [1, 5, 10, 20])).toEqual([{ from: 0, rows: 7, bucket: 10 }]);
    expect(cutIntoBuckets(45, [1, 5, 20]).map((chunk) => chunk.bucket)).toEqual([20, 20, 5]);
  });
});
