import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteLog } from '../../../src/adapters/log-sqlite/sqlite-log.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { describeLog } from '../../contract/log.contract.ts';

describeLog('log-sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-log-'));
  const path = join(folder, 'log.db');
  const opened: Log[] = [];
  const connect = async () => {
    const log = await openSqliteLog({ path });
    opened.push(log);
    return log;
  };
  return {
    log: await connect(),
    connect,
    async usurp(options) {
      // The only way to lose a lock that the kernel holds: someone removes its file.
      await rm(`${path}-groups`, { recursive: true });
      return (await connect()).join(options);
    },
    async dispose() {
      for (const log of opened) await log.close();
      await rm(folder, { recursive: true });
    },
  };
});
