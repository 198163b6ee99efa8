import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SIGNALS } from '../../../src/core/signals/table.ts';
import { signalRow } from '../../support/signal-rows.ts';

describe('docs/specs/signals.md', () => {
  it('has exactly the rows of the table in the code', () => {
    const text = readFileSync(new URL('../../../docs/specs/signals.md', import.meta.url), 'utf8');
    const rows = text.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows).toEqual(Object.entries(SIGNALS).map(([name, definition]) => signalRow(name, definition)));
  });
});
