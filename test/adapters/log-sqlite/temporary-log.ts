/** A folder for one test's log, removed when the test is over. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openSqliteLog, type SqliteLogOptions } from '../../../src/adapters/log-sqlite/sqlite-log.ts';
import type { Log, TopicSpec } from '../../../src/runtime/log.ts';

export interface TemporaryLog {
  readonly path: string;
  open(options?: Partial<SqliteLogOptions>): Promise<Log>;
}

export async function temporaryLog(): Promise<TemporaryLog> {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-log-'));
  const path = join(folder, 'log.db');
  const opened: Log[] = [];
  onTestFinished(async () => {
    for (const log of opened) await log.close();
    await rm(folder, { recursive: true });
  });
  return {
    path,
    async open(options = {}) {
      const log = await openSqliteLog({ path, ...options });
      opened.push(log);
      return log;
    },
  };
}

export function topicSpec(name: string, more: Partial<TopicSpec> = {}): TopicSpec {
  return { name, partitions: 1, cleanup: 'delete', retentionMs: null, ...more };
}
