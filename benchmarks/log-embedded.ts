/**
 * The embedded log against a bare `node:sqlite` loop: records of 200 B, one partition, batches of 1,000, one process.
 *
 * Measures: appends, reads and exactly-once pass-through in records/s (wall time, fsync included as the mode says), appends of
 * one record, and the longest pause of the event loop while `clean` removes a backlog. The bare loop inserts the same bytes
 * into a table with the same columns and reads them into the same number of arrays, in the same run and on the same file
 * system, sample by sample in turn. Does not measure: several processes, large values, a cold file cache.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteLog } from '../src/adapters/log-sqlite/sqlite-log.ts';
import type { OutputRecord } from '../src/core/record.ts';
import type { Log } from '../src/runtime/log.ts';
import type { BenchResult } from './report.ts';

type Synchronous = 'FULL' | 'NORMAL';

export const description =
  'embedded log, 200 B records, batches of 1,000, one process: appends, reads and commits per second beside a bare ' +
  'node:sqlite loop; not measured: several processes, large values, a cold file cache';

const RECORDS = 200_000;
const BATCH = 1_000;
const SINGLES = 300;
const SAMPLES = 5;
const POLL = { maxRecords: BATCH, maxBytes: 16 * 1024 * 1024, maxWaitMs: 0 };
const VALUE = new Uint8Array(200).fill(7);

export async function logEmbeddedBench(): Promise<BenchResult[]> {
  const measured = new Map<string, { unit: string; values: number[] }>();
  const note = (name: string, unit: string, value: number) => {
    const entry = measured.get(name) ?? { unit, values: [] };
    entry.values.push(value);
    measured.set(name, entry);
  };
  for (let sample = -1; sample < SAMPLES; sample++) {
    const keep = sample < 0 ? () => {} : note; // The first round warms up.
    for (const mode of ['FULL', 'NORMAL'] as const) {
      await inFolder((folder) => bareLoop(join(folder, 'bare.db'), mode, keep));
      await inFolder((folder) => ourLog(join(folder, 'log.db'), mode, keep));
    }
  }
  return [...measured].map(([name, { unit, values }]) => summary(name, unit, values));
}

export const run = logEmbeddedBench;

type Note = (name: string, unit: string, value: number) => void;

async function bareLoop(path: string, mode: Synchronous, note: Note): Promise<void> {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${mode}`);
  db.exec('CREATE TABLE records (o INTEGER PRIMARY KEY, t INTEGER, a INTEGER, k BLOB, v BLOB, h BLOB)');
  const insert = db.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)');
  const keys = batches().flat();
  const perSecond = await rate(RECORDS, async () => {
    for (let i = 0; i < RECORDS; i += BATCH) {
      db.exec('BEGIN IMMEDIATE');
      for (let j = i; j < i + BATCH; j++) insert.run(j, 1_000 + j, 1_000, keys[j]?.key ?? null, VALUE, null);
      db.exec('COMMIT');
    }
  });
  note(`bare node:sqlite append, ${mode}`, 'records/s', perSecond);
  const select = db.prepare('SELECT o, t, k, v, h FROM records WHERE o >= ? ORDER BY o LIMIT ?');
  select.setReturnArrays(true);
  const read = await rate(RECORDS, async () => {
    for (let i = 0; i < RECORDS; i += BATCH) select.all(i, BATCH);
  });
  note(`bare node:sqlite read, ${mode}`, 'records/s', read);
  db.close();
}

async function ourLog(path: string, mode: Synchronous, note: Note): Promise<void> {
  let now = 1_000;
  const log = await openSqliteLog({ path, synchronous: mode, now: () => now });
  const topic = { partitions: 1, cleanup: 'delete', retentionMs: 1_000 } as const;
  await log.admin.ensureTopics([
    { name: 'in', ...topic },
    { name: 'out', ...topic },
  ]);
  const all = batches();
  const append = await rate(RECORDS, async () => {
    for (const batch of all) await log.append(batch);
  });
  note(`log append, batches of ${BATCH}, ${mode}`, 'records/s', append);
  note(`log read, ${mode}`, 'records/s', await rate(RECORDS, () => readAll(log)));
  note(
    `log read, map, commit outputs and offsets, ${mode}`,
    'records/s',
    await rate(RECORDS, () => passThrough(log)),
  );
  const singles = await rate(SINGLES, async () => {
    for (let i = 0; i < SINGLES; i++) await log.append([record(i)]);
  });
  note(`log append, one record a call, ${mode}`, 'records/s', singles);
  now += 10_000;
  const { removed, pauseMs } = await cleanedWithPause(log);
  note(`log clean of ${removed.toLocaleString('en')} records, longest pause, ${mode}`, 'ms', pauseMs);
  await log.close();
}

async function readAll(log: Log): Promise<void> {
  const reader = await log.openReader(['in'], { at: 'beginning' });
  for (let read = 0; read < RECORDS; ) read += (await reader.next(POLL)).length;
  await reader.close();
}

async function passThrough(log: Log): Promise<void> {
  let epoch = 0;
  const member = await log.join({
    groupId: 'bench',
    topics: ['in'],
    slot: '0',
    listener: {
      onAssigned: async ([first]) => {
        epoch = first?.epoch ?? 0;
      },
      onRevoked: async () => {},
    },
  });
  for (let done = 0; done < RECORDS; ) {
    const records = await member.poll(POLL);
    const outputs = records.map(({ key, value, timestamp }) => ({
      topic: 'out',
      key,
      value,
      timestamp,
      headers: [],
    }));
    const next = (records.at(-1)?.offset ?? 0n) + 1n;
    await member.commit({ outputs, offsets: [{ topic: 'in', partition: 0, offset: next, epoch }] });
    done += records.length;
  }
  await member.leave();
}

async function cleanedWithPause(log: Log): Promise<{ removed: number; pauseMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const removed = await log.admin.clean();
  delay.disable();
  return { removed, pauseMs: delay.max / 1e6 };
}

function batches(): OutputRecord[][] {
  return Array.from({ length: RECORDS / BATCH }, (_, i) =>
    Array.from({ length: BATCH }, (_, j) => record(i * BATCH + j)),
  );
}

function record(i: number): OutputRecord {
  return {
    topic: 'in',
    timestamp: 1_000 + i,
    key: new TextEncoder().encode(`upload-${i}`),
    value: VALUE,
    headers: [],
  };
}

async function rate(count: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (count / (performance.now() - start)) * 1_000;
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-bench-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function summary(name: string, unit: string, values: readonly number[]): BenchResult {
  const sorted = [...values].sort((a, b) => a - b);
  const round = (value = Number.NaN) => Number(value.toPrecision(4));
  return {
    case: name,
    value: round(sorted[Math.floor(sorted.length / 2)]),
    unit,
    samples: sorted.length,
    min: round(sorted[0]),
    max: round(sorted.at(-1)),
  };
}
