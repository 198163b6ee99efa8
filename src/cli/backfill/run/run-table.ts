/** The table of what a run has emitted: a file, so that a large run fits; it is a view of the run's topic and ends with it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunOptions } from '../../../config/options.ts';
import { canonicalJson, sha256Hex } from '../../../core/digest.ts';
import type { LatestTable } from '../../../runtime/latest-table.ts';

export interface RunTable {
  readonly table: LatestTable;
  /** Idempotent. `forget`: the file is of no more use. */
  close(options: { readonly forget: boolean }): Promise<void>;
}

export async function openRunTable(
  { dataDir, log, topicPrefix }: Pick<RunOptions, 'dataDir' | 'log' | 'topicPrefix'>,
  name: string,
): Promise<RunTable> {
  const { openSqliteTable } = await import('../../../adapters/table-sqlite/latest-table.ts');
  // A folder per log, as `up` has it: what was emitted to one log says nothing of another.
  const folder = join(dataDir, 'tables', sha256Hex(canonicalJson({ log, topicPrefix })).slice(0, 12));
  const path = join(folder, `${name}.sqlite`);
  const table = openSqliteTable(path);
  let isOpen = true;
  return {
    table,
    close: async ({ forget }) => {
      if (isOpen) table.close();
      isOpen = false;
      if (forget) for (const suffix of ['', '-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
    },
  };
}
