/** A backfill over a compacted topic of the embedded log, whose records are gone when it comes, the last one included. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openSqliteLog } from '../../../src/adapters/log-sqlite/sqlite-log.ts';
import { countsOf } from '../../../src/core/backfill-state.ts';
import { readRange, wholeTopic } from '../../../src/runtime/backfill/read-range.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { INPUT, LETTERS, OUTPUT, text, upload } from '../fixtures.ts';
import { newRun, planOf, RUN_OUTPUT } from './fixtures.ts';

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let log: Log;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firstfive-compacted-'));
  log = await openSqliteLog({ path: join(folder, 'log.db') });
});
afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true });
});

it('finishes although the last records of its range were compacted away after it was planned', async () => {
  const topic = { partitions: 1, retentionMs: 1 };
  await log.admin.ensureTopics([
    { name: INPUT, cleanup: 'compact', ...topic },
    { name: OUTPUT, cleanup: 'compact', ...topic },
    { name: LETTERS, cleanup: 'delete', ...topic, retentionMs: null },
  ]);
  for (const id of ['a', 'b', 'a', 'c', 'a']) await log.append([upload(id)]);
  await log.append([{ ...upload('a'), value: null }]);
  const plan = await planOf(log);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await log.admin.clean();
  const offsets: bigint[] = [];
  for await (const { offset } of readRange(log, INPUT, plan.partitions)) offsets.push(offset);
  expect(offsets).toEqual([1n, 3n]);
  const { run, control } = await newRun(log, systemClock, plan);
  expect(await run.run(0)).toEqual({ end: 'finished' });
  const rows: string[] = [];
  for await (const { value } of readRange(log, RUN_OUTPUT, await wholeTopic(log, RUN_OUTPUT)))
    rows.push(text(value));
  expect(rows).toEqual(['b@0/1', 'c@0/1']);
  const state = (await control.read()).get('r1');
  expect(state && countsOf(state)).toMatchObject({ scored: 2, tombstones: 0 });
});
