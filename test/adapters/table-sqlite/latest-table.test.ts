import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openSqliteTable } from '../../../src/adapters/table-sqlite/latest-table.ts';
import { memoryTable } from '../../../src/runtime/latest-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'firstfive-table-'));
let files = 0;
const newPath = () => join(folder, `table-${files++}.sqlite`);

afterEach(() => {
  for (let i = 0; i < files; i++) rmSync(join(folder, `table-${i}.sqlite`), { force: true });
});

const change = fc.oneof(
  fc.record({ id: fc.constantFrom('a', 'b', 'ü'), revision: fc.nat(9), tier: fc.nat(3) }),
  fc.record({ id: fc.constantFrom('a', 'b', 'ü'), removed: fc.constant(true as const) }),
);

describe('the SQLite table of latest emissions', () => {
  it('answers as the memory table does, whatever is applied', () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 5 }), { maxLength: 10 }), (batches) => {
        const table = openSqliteTable(newPath());
        const reference = memoryTable();
        for (const batch of batches) {
          table.apply(batch);
          reference.apply(batch);
        }
        for (const id of ['a', 'b', 'ü', 'never']) expect(table.get(id)).toEqual(reference.get(id));
        table.close();
      }),
      { numRuns: 30 },
    );
  });

  it('remembers across a restart, together with the offset that it has applied', () => {
    const path = newPath();
    const first = openSqliteTable(path);
    first.apply([{ id: 'a', revision: 3, tier: 1 }], { topic: 't', partition: 2, offset: 2n ** 60n });
    first.close();
    const second = openSqliteTable(path);
    expect(second.get('a')).toEqual({ revision: 3, tier: 1 });
    expect(second.appliedUpTo('t', 2)).toBe(2n ** 60n);
    expect(second.appliedUpTo('t', 0)).toBeUndefined();
    second.close();
  });

  it('starts anew over a file that is not a database: the topic has everything', () => {
    const path = newPath();
    writeFileSync(path, 'not a database, but long enough to be taken for one'.repeat(50));
    const table = openSqliteTable(path);
    expect(table.get('a')).toBeUndefined();
    table.apply([{ id: 'a', revision: 1, tier: 1 }]);
    expect(table.get('a')).toEqual({ revision: 1, tier: 1 });
    table.close();
  });
});
