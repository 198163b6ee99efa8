import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OffsetSelection } from '../../src/core/offset-selection.ts';

/** Rising offsets, with gaps, each chosen or not. */
const records = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.boolean()), { maxLength: 60 })
  .chain((steps) =>
    fc.bigInt({ min: 0n, max: 2n ** 62n }).map((first) => {
      let offset = first;
      return steps.map(([step, chosen]) => {
        offset += BigInt(step);
        return { offset, chosen };
      });
    }),
  );

function selectionOf(all: readonly { readonly offset: bigint; readonly chosen: boolean }[]): OffsetSelection {
  const selection = new OffsetSelection();
  let previous: bigint | undefined;
  for (const { offset, chosen } of all) {
    selection.add(offset, chosen, previous);
    previous = offset;
  }
  return selection;
}

describe('OffsetSelection', () => {
  it('holds what was chosen and no other record, also after it was written down', () => {
    fc.assert(
      fc.property(records, (all) => {
        const selection = selectionOf(all);
        const read = OffsetSelection.decode(selection.encoded());
        for (const { offset, chosen } of all) {
          expect(selection.has(offset)).toBe(chosen);
          expect(read.has(offset)).toBe(chosen);
        }
        expect(read.encoded()).toBe(selection.encoded());
      }),
    );
  });

  it('holds neighbours, with the gaps between them, as one run', () => {
    const all = [3n, 4n, 9n].map((offset) => ({ offset, chosen: true }));
    expect(selectionOf(all).runs).toBe(1);
    expect(selectionOf([...all, { offset: 10n, chosen: false }, { offset: 11n, chosen: true }]).runs).toBe(2);
  });

  it('refuses offsets out of order, and a damaged text', () => {
    const selection = selectionOf([{ offset: 7n, chosen: true }]);
    expect(() => selection.add(7n, true, 7n)).toThrow(RangeError);
    for (const text of ['AQ==', 'AQA=', 'gA==', `${'/'.repeat(40)}`]) {
      expect(() => OffsetSelection.decode(text), text).toThrow(/damaged/);
    }
  });
});
