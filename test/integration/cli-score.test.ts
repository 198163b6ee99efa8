/** `firstfive score` as a user and a script meet it: the process, its streams, its exit status. */
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openLog } from '../../src/cli/openers.ts';
import { logit } from '../../src/core/reasons.ts';
import { jsonLines, resultOf, runCliProcess, runWrapper, spawnCli } from '../support/cli-process.ts';
import { recordsOf, TOPICS } from '../support/embedded-run.ts';
import { aviBytes, wavBytes, y4mBytes } from '../support/tiny-media.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const SCORED_KEYS = [
  ...[
    'uploadId',
    'status',
    'ecr',
    'rank',
    'alpha',
    'beta',
    'lower',
    'upper',
    'ticket',
    'reasons',
    'bundle',
    'timings',
  ],
];
const REJECTED_KEYS = ['uploadId', 'status', 'code', 'stage', 'message'];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firstfive-cli-'));
  await mkdir(join(folder, 'a'));
  await mkdir(join(folder, 'b'));
  await writeFile(join(folder, 'a/clip.avi'), aviBytes());
  await writeFile(join(folder, 'b/clip.wav'), wavBytes());
  await writeFile(join(folder, 'empty.mp4'), '');
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

const score = (args: readonly string[], stdin?: string | Uint8Array) =>
  runCliProcess(['score', ...args], { cwd: folder, ...(stdin === undefined ? {} : { stdin }) });

/** Where a process may put what it does not ask for: a library's cache or log shows here. */
async function privateFolders(name: string): Promise<Record<'TMPDIR' | 'HOME' | 'XDG_CACHE_HOME', string>> {
  const path = join(folder, `home-${name}`);
  await mkdir(path);
  return { TMPDIR: path, HOME: path, XDG_CACHE_HOME: path };
}

function expectContract(line: Record<string, unknown>): void {
  if (line.status === 'rejected') {
    expect(Object.keys(line)).toEqual(REJECTED_KEYS);
    for (const key of REJECTED_KEYS) expect(typeof line[key], key).toBe('string');
    return;
  }
  expect(line.status).toBe('scored');
  expect(Object.keys(line)).toEqual(expect.arrayContaining(SCORED_KEYS));
  const { ecr, alpha, beta, lower, upper, rank, ticket, reasons } = line as Record<string, number> & {
    ticket: { impressions: number; expiresAt: number };
    reasons: { feature: string; contribution: number }[];
  };
  expect(ecr).toBeCloseTo((alpha ?? 0) / ((alpha ?? 0) + (beta ?? 0)), 12);
  expect(lower).toBeLessThan(ecr ?? 0);
  expect(upper).toBeGreaterThan(ecr ?? 1);
  expect(rank).toBeGreaterThanOrEqual(0);
  expect(rank).toBeLessThanOrEqual(1);
  expect(Number.isInteger(ticket.impressions)).toBe(true);
  expect(reasons.reduce((sum, { contribution }) => sum + contribution, 0)).toBeCloseTo(logit(ecr ?? 0), 9);
}

describe('firstfive score', () => {
  it('prints one JSON object an upload, in input order, rejected ones in their places, and exits 0', async () => {
    const rows = [
      JSON.stringify({ uploadId: 'first', media: { uri: 'a/clip.avi' }, title: 'first of all' }),
      'this is no JSON',
      JSON.stringify({ uploadId: 'absent', media: { uri: 'nowhere.mp4' } }),
      '',
      JSON.stringify({ uploadId: 'mistyped', media: { uri: 'a/clip.avi' }, desription: 'x' }),
      JSON.stringify({ uploadId: 'empty', media: { uri: 'empty.mp4' } }),
      JSON.stringify({ uploadId: 'huge', media: { uri: 'a/clip.avi' }, title: 'x'.repeat(100_000) }),
      Buffer.concat([
        Buffer.from('{"uploadId":"bytes","title":"'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}'),
      ]),
      JSON.stringify({ uploadId: 'twice', revision: 2, media: { uri: 'b/clip.wav' } }),
      JSON.stringify({ uploadId: 'twice', revision: 1, media: { uri: 'b/clip.wav' } }),
      JSON.stringify({ media: { uri: 'a/clip.avi' } }),
      JSON.stringify({ uploadId: 'last', media: { uri: 'b/clip.wav' }, attributes: { caption: 'a tone' } }),
    ].map((row) => Buffer.concat([Buffer.from(row), Buffer.from('\n')]));
    await writeFile(join(folder, 'uploads.jsonl'), Buffer.concat(rows));
    const { status, stdout } = await score(['--from', 'uploads.jsonl', '--json']);
    expect(status).toBe(0);
    const lines = jsonLines(stdout);
    for (const line of lines) expectContract(line);
    expect(lines.map(({ uploadId, status: is, code }) => [uploadId, is === 'scored' ? is : code])).toEqual([
      ['first', 'scored'],
      ['line:2', 'UPLOAD_INVALID'],
      ['absent', 'MEDIA_NOT_FOUND'],
      ['mistyped', 'UPLOAD_INVALID'],
      ['empty', 'MEDIA_EMPTY'],
      ['huge', 'TEXT_TOO_LARGE'],
      ['line:8', 'TEXT_NOT_UTF8'],
      ['twice', 'scored'],
      ['twice', 'UPLOAD_SUPERSEDED'],
      ['line:11', 'UPLOAD_INVALID'],
      ['last', 'scored'],
    ]);
  });

  it('names files by their stems, by their paths where stems collide, and numbers what is given twice', async () => {
    const { status, stdout } = await score(['a', 'b', 'a/clip.avi', 'empty.mp4', '--json']);
    expect(status).toBe(0);
    const lines = jsonLines(stdout);
    expect(lines.map(({ uploadId }) => uploadId)).toEqual([
      'a/clip.avi',
      'b/clip.wav',
      'a/clip.avi#2',
      'empty',
    ]);
    for (const line of lines) expectContract(line);
  });

  it('reads paths literally: blanks, percent signs, other scripts, line feeds, what looks like an option or a URI', async () => {
    const names = [
      'two words.wav',
      '100%25 real.wav',
      'ünïcødé 東京 🎬.wav',
      'line\nfeed.wav',
      'file:odd.wav',
      '#hash?query.wav',
    ];
    await mkdir(join(folder, 'odd'));
    for (const name of names) await writeFile(join(folder, 'odd', name), wavBytes({ seconds: 0.5 }));
    await writeFile(join(folder, '-dash.wav'), wavBytes({ seconds: 0.5 }));
    const rows = names
      .map((name) => JSON.stringify({ uploadId: name, media: { uri: `odd/${name}` } }))
      .join('\n');
    await writeFile(join(folder, 'odd.jsonl'), rows);
    const [given, listed] = await Promise.all([
      score(['--json', ...names.map((name) => join('odd', name)), '--', '-dash.wav']),
      score(['--json', '--from', 'odd.jsonl']),
    ]);
    const statuses = (stdout: string) => jsonLines(stdout).map((line) => line.code ?? line.status);
    expect(statuses(given.stdout)).toEqual(Array(7).fill('scored'));
    expect(statuses(listed.stdout)).toEqual(Array(6).fill('scored'));
    expect(jsonLines(given.stdout)[3]?.uploadId).toBe('line\nfeed');
  });

  it('takes rows from standard input, relative to the folder it runs in', async () => {
    const row = JSON.stringify({ uploadId: 'piped', media: { uri: 'a/clip.avi' } });
    const { status, stdout, stderr } = await score(['--from', '-', '--json'], `${row}\n${row}`);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(jsonLines(stdout).map(({ uploadId }) => uploadId)).toEqual(['piped', 'piped']);
  });

  it('does the same through the wrapper, built: nothing but JSON on stdout', async () => {
    const { status, stdout } = await runWrapper(['score', 'a/clip.avi', 'empty.mp4', '--json'], {
      cwd: folder,
    });
    expect(status).toBe(0);
    const lines = jsonLines(stdout);
    for (const line of lines) expectContract(line);
    expect(lines.map(({ uploadId, status: is }) => [uploadId, is])).toEqual([
      ['clip', 'scored'],
      ['empty', 'rejected'],
    ]);
  });

  it('prints a plain line an upload where stdout is no terminal', async () => {
    const { status, stdout, stderr } = await score(['a/clip.avi', 'empty.mp4']);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^clip {2}0\.\d\d {2}\[0\.\d\d, 0\.\d\d\].*\nempty {2}rejected {2}MEDIA_EMPTY {2}.+\n$/,
    );
    expect(stdout).not.toContain('\u001b');
    expect(stderr).not.toContain('\u001b');
  });

  it('ends quietly and cleans up when its reader leaves', async () => {
    const env = await privateFolders('left');
    const many = Array.from({ length: 12 }, () => 'a/clip.avi');
    const child = spawnCli(['score', ...many, '--json'], { cwd: folder, env });
    child.stdin?.end();
    child.stdout?.once('data', () => child.stdout?.destroy());
    const { status, stderr } = await resultOf(child);
    expect([status, stderr]).toEqual([0, '']);
    expect(readdirSync(env.TMPDIR)).toEqual([]);
  });

  it('leaves nothing behind, unless a log is named: that one keeps every record', async () => {
    const env = await privateFolders('once');
    await runCliProcess(['score', 'a/clip.avi', '--json'], { cwd: folder, env });
    expect(readdirSync(env.TMPDIR)).toEqual([]);
    expect(readdirSync(folder)).not.toContain('.firstfive');
    const named = ['--log', 'sqlite:kept.db'];
    for (const file of ['a/clip.avi', 'b/clip.wav']) {
      const { stdout } = await runCliProcess(['score', file, 'empty.mp4', '--json', ...named], {
        cwd: folder,
        env,
      });
      // Only its own answers, though the log holds those of the first run.
      expect(jsonLines(stdout).map(({ uploadId }) => uploadId)).toEqual(['clip', 'empty']);
    }
    expect(readdirSync(env.TMPDIR)).toEqual([]);
    const log = await openLog({ kind: 'sqlite', path: join(folder, 'kept.db') });
    expect(await recordsOf(log, TOPICS.uploads)).toHaveLength(4);
    expect(await recordsOf(log, TOPICS.scores)).toHaveLength(4);
    expect(await recordsOf(log, TOPICS.features)).toHaveLength(2);
    expect(await recordsOf(log, TOPICS.deadLetters)).toHaveLength(2);
    await log.close();
  });

  it('exits 2 for a wrong command line and 78 for what it cannot use, with one line on stderr and none on stdout', async () => {
    const cases: [string[], number, string][] = [
      [[], 2, 'USAGE'],
      [['--from', 'nowhere.jsonl'], 2, 'USAGE'],
      [['a/clip.avi', '--from', 'uploads.jsonl'], 2, 'USAGE'],
      [['a/clip.avi', '--nonesuch'], 2, 'USAGE'],
      [['a/clip.avi', '--bundle', 'nonesuch'], 78, 'BUNDLE_NOT_FOUND'],
      [['a/clip.avi', '--provider', 'abacus'], 78, 'CONFIG_INVALID'],
      [['a/clip.avi', '--topology', 'nowhere.yaml'], 78, 'TOPOLOGY_INVALID'],
      [['a/clip.avi', '--log', 'floppy:a'], 78, 'CONFIG_INVALID'],
    ];
    for (const [args, wanted, code] of cases) {
      const { status, stdout, stderr } = await score([...args, '--json']);
      expect([args, status, stdout]).toEqual([args, wanted, '']);
      expect(stderr).toContain(`firstfive: ${code} `);
    }
  });

  it('answers a folder of nothing with nothing, and scores a stream of more than it holds at once', async () => {
    await mkdir(join(folder, 'nothing'));
    const none = await score(['nothing', '--json']);
    expect([none.status, none.stdout]).toEqual([0, '']);
    await writeFile(join(folder, 'v.y4m'), y4mBytes({ frames: 1 }));
    const rows = Array.from({ length: 450 }, (_, i) =>
      JSON.stringify({ uploadId: `n${i}`, media: { uri: `gone-${i}.mp4` } }),
    );
    rows.splice(225, 0, JSON.stringify({ uploadId: 'real', media: { uri: 'v.y4m' } }));
    const { status, stdout } = await score(['--from', '-', '--json'], rows.join('\n'));
    expect(status).toBe(0);
    const lines = jsonLines(stdout);
    expect(lines.map(({ uploadId }) => uploadId)).toEqual([
      ...Array.from({ length: 225 }, (_, i) => `n${i}`),
      'real',
      ...Array.from({ length: 225 }, (_, i) => `n${i + 225}`),
    ]);
    expect(lines.filter(({ status: is }) => is === 'scored')).toHaveLength(1);
  });
});
