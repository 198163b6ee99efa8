/**
 * Backfills through the command line, beside a live pipeline on one embedded log: real decoding, the starter bundle, and
 * `backfill run` in a process of its own, since it gives up its priority and is killed here.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readToEnd } from '../../src/cli/read-to-end.ts';
import { headerText } from '../../src/core/record.ts';
import { type CliRun, cliFolder } from '../cli/cli-harness.ts';
import { jsonLines, resultOf, runCliProcess, spawnCli } from '../support/cli-process.ts';
import { type EmbeddedRun, startEmbeddedRun, TOPICS, uploadOf } from '../support/embedded-run.ts';
import { aviBytes, wavBytes, y4mBytes } from '../support/tiny-media.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const UPLOADS = 10;
let live: EmbeddedRun;
let outside: string;

beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'firstfive-backfill-'));
  live = await startEmbeddedRun();
  const avi = await live.media('a.avi', aviBytes());
  const wav = await live.media('b.wav', wavBytes());
  const y4m = await live.media('c.y4m', y4mBytes());
  const noise = await live.media('d.bin', new Uint8Array(5_000).fill(7));
  await live.publish(
    Array.from({ length: UPLOADS }, (_, i) =>
      uploadOf(`clip-${i}`, [avi, wav, y4m][i % 3] ?? avi, {
        creatorId: i < 4 ? 'ann' : 'bob',
        attributes: i % 2 === 0 ? { caption: `number ${i}`, market: 'de' } : {},
      }),
    ),
  );
  await live.publish([uploadOf('noise', noise)]);
  await live.settle(UPLOADS + 1);
});

afterAll(async () => {
  await live?.[Symbol.asyncDispose]();
  await rm(outside, { recursive: true, force: true });
});

const places = () => ['--data', join(live.folder, 'data')];

async function backfill(...args: readonly string[]): Promise<CliRun> {
  const folder = await cliFolder();
  try {
    return await folder.run(['backfill', ...args, ...places()]);
  } finally {
    await folder.remove();
  }
}

const runArgs = (run: string, topology: string, ...more: readonly string[]) => [
  'backfill',
  'run',
  run,
  '--topology',
  topology,
  '--json',
  '--media-roots',
  live.mediaRoot,
  // Not `auto`: a child that starts slowly on a busy machine would make it the ffmpeg command.
  '--decoder',
  'libav',
  '--log-level',
  'silent',
  ...places(),
  ...more,
];

async function runToItsEnd(run: string, topology = 'backfill'): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await runCliProcess(runArgs(run, topology));
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return jsonLines(stdout)[0] ?? {};
}

async function plan(run: string, ...args: readonly string[]): Promise<CliRun> {
  const all = ['plan', '--from', 'beginning', '--topology', 'backfill', '--run', run, '--json', ...args];
  const planned = await backfill(...all);
  expect(planned).toMatchObject({ code: 0 });
  return planned;
}

const statusOf = async (run: string) => (await backfill('status', run, '--json')).json()[0] ?? {};

describe('a backfill of uploads', () => {
  it('gives the scores that live traffic has, in topics of its own, with a receipt', async () => {
    const [planned] = (await plan('first')).json();
    expect(planned).toMatchObject({
      counted: { records: 11, selected: 11 },
      estimate: { basis: 'score timings' },
    });
    const before = (await live.scores()).length;
    const receipt = await runToItsEnd('first');
    expect(receipt).toMatchObject({
      counts: {
        scored: UPLOADS,
        rejected: { MEDIA_UNSUPPORTED: 1 },
        superseded: 0,
        filtered: 0,
        tombstones: 0,
      },
      checksums: { extract: { rows: UPLOADS }, embed: { rows: UPLOADS }, score: { rows: UPLOADS + 1 } },
    });
    expect(await live.scores()).toHaveLength(before);
    const [diff] = (await backfill('diff', 'first', '--json')).json();
    expect(diff).toMatchObject({
      uploads: UPLOADS + 1,
      same: UPLOADS + 1,
      different: 0,
      missing: 0,
      movers: [],
    });
    expect(diff?.rankCorrelation).toBeCloseTo(1, 9);
    for await (const record of readToEnd(live.log, 'ranking.cold-start.backfill.first')) {
      expect(headerText(record.headers, 'ff-lane')).toBe('backfill');
    }
    const letters: string[] = [];
    for await (const { key } of readToEnd(live.log, 'media.upload.dead-letter.backfill.first')) {
      letters.push(new TextDecoder().decode(key ?? undefined));
    }
    expect(letters).toEqual(['noise']);
  });

  it('goes on after kill -9 in the middle, and has the receipt of a run that was left alone', async () => {
    await plan('killed');
    const child = spawnCli(runArgs('killed', 'backfill', '--rate', '2/s'));
    const ended = resultOf(child);
    await until('three records are done', async () => Number((await statusOf('killed')).done) >= 3, {
      everyMs: 200,
    });
    expect(await statusOf('killed')).toMatchObject({ phase: 'running', total: UPLOADS + 1 });
    child.kill('SIGKILL');
    expect(await ended).toMatchObject({ status: 'SIGKILL' });
    const { done } = await statusOf('killed');
    expect(Number(done)).toBeLessThan(UPLOADS + 1);
    await runToItsEnd('killed');
    const check = await backfill('status', 'killed', '--check', 'first', '--json');
    expect(check.json()[0]).toMatchObject({ ok: true, firstDiverged: null, input: [], counts: [], made: [] });
    expect((await statusOf('killed')).phase).toBe('finished');
  });

  it('stops at a signal with exit 1, and is not published before it is finished', async () => {
    await plan('stopped');
    const child = spawnCli(runArgs('stopped', 'backfill', '--rate', '1/s'));
    const ended = resultOf(child);
    await until('a record is done', async () => Number((await statusOf('stopped')).done) >= 1, {
      everyMs: 200,
    });
    child.kill('SIGTERM');
    const { status, stderr } = await ended;
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('go on with') });
    expect(await backfill('publish', 'stopped', '--topology', 'backfill')).toMatchObject({ code: 2 });
  });

  it('pauses and resumes by word from another process', async () => {
    await plan('paused');
    const child = spawnCli(runArgs('paused', 'backfill', '--rate', '0.3/s'));
    const ended = resultOf(child);
    const done = async () => Number((await statusOf('paused')).done);
    await until('it is at work', async () => (await done()) >= 1, { everyMs: 200 });
    expect(await backfill('pause', 'paused')).toMatchObject({ code: 0 });
    let before = -1;
    await until(
      'nothing moves',
      async () => {
        const last = before;
        before = await done();
        return last === before;
      },
      { everyMs: 7_000 },
    );
    expect(before).toBeLessThan(UPLOADS + 1);
    expect(await statusOf('paused')).toMatchObject({ phase: 'paused', done: before });
    expect(await backfill('resume', 'paused')).toMatchObject({ code: 0 });
    await until('it goes on', async () => (await done()) > before, { everyMs: 200 });
    child.kill('SIGTERM');
    expect((await ended).status).toBe(1);
  });

  it.each([
    [['--key', 'clip-1', 'clip-3'], 2],
    [['--creator', 'ann'], 4],
    [['--creator', 'ann', '--attribute', 'market=de'], 2],
    [['--bundle-not', 'starter'], 0],
    [['--bundle-not', 'other@1.0.0', '--creator', 'bob'], 6],
    [['--score-below', '1', '--key', 'clip-2'], 1],
  ])('plans what %j choose', async (flags, selected) => {
    const planned = await plan(
      `filter-${flags
        .join('-')
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '')}`.slice(0, 40),
      ...flags,
    );
    expect(planned.json()[0]).toMatchObject({ counted: { records: 11, selected } });
  });

  it('works on what the predicates chose and on nothing else, from a plan in a file', async () => {
    const file = join(outside, 'plan.json');
    await plan('few', '--key', 'clip-1', 'clip-3', '--out', file);
    expect(await backfill('status', 'few')).toMatchObject({ code: 2 });
    const receipt = await runToItsEnd(file);
    expect(receipt).toMatchObject({ run: 'few', counts: { scored: 2, filtered: 9 } });
    const changed = join(outside, 'changed.json');
    await writeFile(changed, JSON.stringify({ ...(await plan('other')).json()[0], from: '1d' }));
    const { status, stderr } = await runCliProcess(runArgs(changed, 'backfill'));
    expect({ status, stderr }).toMatchObject({ status: 78, stderr: expect.stringContaining('was changed') });
  });

  it('scores again from stored features, without decoding', async () => {
    await plan('rescored', '--topology', 'rescore');
    const receipt = await runToItsEnd('rescored', 'rescore');
    expect(receipt).toMatchObject({
      counts: { scored: UPLOADS },
      outputs: { score: 'ranking.cold-start.backfill.rescored' },
    });
    const [diff] = (await backfill('diff', 'rescored', '--json')).json();
    expect(diff).toMatchObject({ uploads: UPLOADS, same: UPLOADS, different: 0 });
  });
});

describe('publishing a backfill', () => {
  it('goes through the live group once, and never over a newer revision', async () => {
    await plan('cutover');
    await runToItsEnd('cutover');
    const settledBefore = live.settled.length;
    const uri = await live.media('new.avi', aviBytes());
    await live.publish([uploadOf('clip-0', uri, { revision: 1, title: 'a new title' })]);
    await live.settle(settledBefore + 1);
    const dry = await backfill('publish', 'cutover', '--topology', 'backfill', '--dry-run', '--json');
    expect(dry.json()[0]).toMatchObject({ rows: UPLOADS + 1, older: 1, replacing: UPLOADS, new: 0 });
    const before = (await live.scores()).length;
    const sent = await backfill('publish', 'cutover', '--topology', 'backfill', '--json');
    expect(sent.json()[0]).toMatchObject({ rows: UPLOADS + 1 });
    await live.settle(settledBefore + 1 + UPLOADS + 1);
    const scores = await live.scores();
    const newest = new Map(scores.map(({ record, value }) => [value.uploadId as string, { record, value }]));
    expect(newest.get('clip-0')?.value).toMatchObject({ revision: 1, lane: 'live' });
    for (let i = 1; i < UPLOADS; i++) {
      const latest = newest.get(`clip-${i}`);
      expect(headerText(latest?.record.headers ?? [], 'ff-backfill-run')).toBe('cutover');
    }
    expect(scores.length - before).toBe(UPLOADS);
    const again = await backfill('publish', 'cutover', '--topology', 'backfill', '--json');
    expect(again.json()[0]).toMatchObject({ rows: 0 });
    expect(await statusOf('cutover')).toMatchObject({ isPublished: true });
    expect(await live.scores()).toHaveLength(scores.length);
    expect(await recordsIn(TOPICS.uploads)).toBe(UPLOADS + 2);
  });
});

describe('checking a run against another', () => {
  it('names the first stage at which they part, here the media that lie there now', async () => {
    for (const run of ['clip-before', 'clip-after']) {
      await plan(run, '--key', 'clip-2', '--to', await endOffsets());
      if (run === 'clip-after') await live.media('c.y4m', y4mBytes({ frames: 9 }));
      await runToItsEnd(run);
    }
    const { status, stdout } = await runCliProcess([
      ...['backfill', 'status', 'clip-after', '--check', 'clip-before', '--json'],
      ...places(),
    ]);
    expect(status).toBe(1);
    expect(jsonLines(stdout)[0]).toMatchObject({
      ok: false,
      firstDiverged: 'extract',
      input: [],
      counts: [],
      stages: [
        {
          stage: 'extract',
          verdict: 'diverged',
          rows: { compared: 1, differing: 1, examples: ['clip-2@0'] },
        },
        {},
        {},
      ],
    });
    const receipt = join(live.folder, 'data', 'receipts', 'clip-before.json');
    const elsewhere = join(outside, 'elsewhere.json');
    await writeFile(
      elsewhere,
      (await readFile(receipt, 'utf8')).replace('"run": "clip-before"', '"run": "unknown-here"'),
    );
    const alone = (await backfill('status', 'clip-after', '--check', elsewhere, '--json')).json()[0];
    expect(alone).toMatchObject({
      ok: false,
      firstDiverged: 'extract',
      stages: [{ verdict: 'unknown' }, {}, {}],
    });
  });
});

/** Where the input ends now, as `--to` takes it: two plans of one range must have the same ends. */
async function endOffsets(): Promise<string> {
  const [input] = await live.log.admin.describeTopics([TOPICS.uploads]);
  return (input?.offsets ?? []).map(({ end }, partition) => `${partition}:${end}`).join();
}

async function recordsIn(topic: string): Promise<number> {
  let records = 0;
  for await (const _record of readToEnd(live.log, topic)) records += 1;
  return records;
}
