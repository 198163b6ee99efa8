/** What `backfill` says and refuses without scoring anything; whole runs are in test/integration. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CliFolder, type CliRun, cliFolder } from '../cli-harness.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const TOPOLOGY = ['--topology', 'backfill'];
let folder: CliFolder;

beforeEach(async () => {
  folder = await cliFolder();
});
afterEach(() => folder.remove());

const backfill = (...args: readonly string[]): Promise<CliRun> => folder.run(['backfill', ...args]);
const submitted = () => folder.run(['submit', 'a.mp4', 'b.mp4', 'c.mp4']);

describe('backfill plan', () => {
  it('captures the range as it stands, and is kept under its name', async () => {
    await submitted();
    const planned = await backfill('plan', '--from', 'beginning', '--run', 'one', '--json', ...TOPOLOGY);
    const [plan] = planned.json();
    expect(plan).toMatchObject({
      run: 'one',
      input: 'media.upload.created.v1',
      outputs: { score: 'ranking.cold-start.backfill.one', embed: 'media.upload.embedded.backfill.one' },
      deadLetters: 'media.upload.dead-letter.backfill.one',
      counted: { records: 3, selected: 3, tombstones: 0 },
      estimate: { basis: 'unknown', seconds: null },
    });
    await folder.run(['submit', 'd.mp4']);
    const [status] = (await folder.run(['replay', 'status', 'one', '--json'])).json();
    expect(status).toMatchObject({ run: 'one', phase: 'planned', done: 0, total: 3, receipt: null });
    const { stdout } = await backfill('plan', '--from', '1h', ...TOPOLOGY);
    expect(stdout).toMatch(/4 records/);
    expect(stdout).toMatch(/takes {3}unknown/);
    expect((await backfill('status')).stdout.trim().split('\n')).toHaveLength(2);
  });

  it('takes offsets of the partitions that are named, and none of the others', async () => {
    await submitted();
    const all = (
      await backfill('plan', '--from', 'beginning', '--run', 'all', '--json', ...TOPOLOGY)
    ).json()[0];
    const partitions = all?.partitions as { partition: number; start: string; end: string }[];
    const busy = partitions.find(({ end }) => end !== '0')?.partition ?? 0;
    const some = await backfill('plan', '--from', `${busy}:0`, '--json', ...TOPOLOGY);
    const chosen = some.json()[0]?.partitions as typeof partitions;
    expect(chosen.filter(({ start, end }) => start !== end).map(({ partition }) => partition)).toEqual([
      busy,
    ]);
    const none = await backfill('plan', '--from', 'beginning', '--to', '1h', '--json', ...TOPOLOGY);
    expect(none.json()[0]).toMatchObject({ counted: { records: 0 } });
  });

  it('writes a file and nothing to the log with --out, and never over another file', async () => {
    await submitted();
    const args = ['plan', '--from', 'beginning', '--run', 'filed', '--out', 'plan.json', ...TOPOLOGY];
    expect(await backfill(...args)).toMatchObject({ code: 0 });
    expect(JSON.parse(await readFile(join(folder.path, 'plan.json'), 'utf8'))).toMatchObject({
      run: 'filed',
    });
    expect(await backfill('status', 'filed')).toMatchObject({ code: 2 });
    expect(await backfill(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining('EEXIST') });
  });

  it.each([
    [['--from', 'yesterday'], 2],
    [['--from', '99:0'], 2],
    [['--from', 'beginning', '--attribute', 'market'], 2],
    [['--from', 'beginning', '--score-below', '2'], 2],
    [['--from', 'beginning', '--topology', 'rescore', '--creator', 'ann'], 2],
    [['--from', 'beginning', '--topology', 'staged'], 78],
    [[], 2],
  ])('refuses %j', async (flags, code) => {
    await submitted();
    const args = flags.includes('--topology') ? flags : [...flags, ...TOPOLOGY];
    expect(await backfill('plan', ...args)).toMatchObject({ code });
  });

  it('refuses a second plan of the same name: plans never change', async () => {
    await submitted();
    const args = ['plan', '--from', 'beginning', '--run', 'one', ...TOPOLOGY];
    expect(await backfill(...args)).toMatchObject({ code: 0 });
    expect(await backfill(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining('already') });
  });
});

describe('backfill', () => {
  it('says that a run is not there, or not finished', async () => {
    await submitted();
    for (const command of ['status', 'diff', 'publish', 'pause', 'resume']) {
      expect(await backfill(command, 'none'), command).toMatchObject({ code: 2 });
    }
    await backfill('plan', '--from', 'beginning', '--run', 'one', ...TOPOLOGY);
    expect(await backfill('publish', 'one', ...TOPOLOGY)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('not finished'),
    });
    expect(await backfill('status', 'one', '--check', 'nowhere.json')).toMatchObject({ code: 2 });
    expect((await backfill('pause', 'one')).stdout).toMatch(/planned: no process/);
  });

  it('shows an example in every help', async () => {
    for (const command of ['plan', 'run', 'pause', 'resume', 'status', 'diff', 'publish']) {
      expect((await backfill(command, '--help')).stdout, command).toMatch(/\$ \.\/firstfive backfill /);
    }
  });
});
