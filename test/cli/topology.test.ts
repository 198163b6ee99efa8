import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CliFolder, cliFolder } from './cli-harness.ts';

vi.setConfig({ testTimeout: 180_000 });

let folder: CliFolder;
beforeAll(async () => {
  folder = await cliFolder();
});
afterAll(() => folder.remove());

describe('topology lint', () => {
  it('passes the topology that ships', async () => {
    expect(await folder.run(['topology', 'lint'])).toMatchObject({
      code: 0,
      stdout: 'cold-start: ok (1 stage, 8 topics)\n',
    });
  });

  it('fails with file, line and column', async () => {
    await writeFile(join(folder.path, 't.yaml'), 'name: t\nbundle: b\nstage: []\ntopics: {}\nstages: []\n');
    const { code, stderr } = await folder.run(['topology', 'lint', 't.yaml']);
    expect(code).toBe(78);
    expect(stderr).toContain(`${join(folder.path, 't.yaml')}:3:1: unknown key stage`);
  });
});

describe('topology describe', () => {
  it('draws each stage with its topics and the settings in force', async () => {
    const { stdout } = await folder.run(['topology', 'describe', '--topic-prefix', 'eu.']);
    expect(stdout).toMatchInlineSnapshot(`
      "topology cold-start: bundle starter, exactly-once
      decoders 2, inference workers auto x 1 thread

        eu.media.upload.created.v1  (8 partitions, kept 7d)
        + eu.media.upload.created.v1.retry.30s  (8 partitions, kept 7d)
        + eu.media.upload.created.v1.retry.5m  (8 partitions, kept 7d)
        + eu.media.upload.created.v1.retry.30m  (8 partitions, kept 7d)
        + eu.ranking.cold-start.publish.v1  (8 partitions, kept 7d)
          │
          ▼
        ┌───────────────────────────────────────────────────────────────────┐
        │ cold-start: extract → embed → score                               │
        │ group     eu.firstfive.cold-start.cold-start                      │
        │ intake    4 at once, 256 or 64MiB in flight                       │
        │ commit    every 200ms or 500 records                              │
        │ retry     5 attempts, 200ms to 10s apart, then after 30s, 5m, 30m │
        │ watchdog  30s an attempt, 1m without a commit                     │
        └───────────────────────────────────────────────────────────────────┘
          ├─ embed  ─► eu.media.upload.embedded.v1  (8 partitions, compacted, tombstones kept 30d)
          ├─ score  ─► eu.ranking.cold-start.v1  (8 partitions, compacted, tombstones kept 30d)
          ├─ later  ─► eu.media.upload.created.v1.retry.30s  (8 partitions, kept 7d)
          ├─ later  ─► eu.media.upload.created.v1.retry.5m  (8 partitions, kept 7d)
          ├─ later  ─► eu.media.upload.created.v1.retry.30m  (8 partitions, kept 7d)
          └─ failed ─► eu.media.upload.dead-letter.v1  (8 partitions, kept 30d)
      "
    `);
  });

  it('gives the topology as a value with --json', async () => {
    const [topology] = (await folder.run(['topology', 'describe', '--json'])).json();
    expect(topology).toMatchObject({
      name: 'cold-start',
      stages: [{ steps: ['extract', 'embed', 'score'] }],
    });
  });
});

describe('topology test', () => {
  it('drives the topologies that ship through failures, and says that nothing was lost', async () => {
    for (const name of ['cold-start', 'staged']) {
      const { code, stdout } = await folder.run(['topology', 'test', name, '--runs', '2']);
      expect(stdout).toMatch(
        new RegExp(
          `^${name}: nothing lost, doubled or out of order \\(2 runs, 120 uploads, \\d+ incidents\\)\n$`,
        ),
      );
      expect(code).toBe(0);
    }
  });

  it('prints one object a run with --json, the same one for the same seed', async () => {
    const run = async () =>
      (await folder.run(['topology', 'test', '--seed', '7', '--runs', '1', '--json'])).json();
    const [report] = await run();
    expect(report).toMatchObject({ topology: 'cold-start', seed: 7, uploads: 60, problems: [] });
    expect(report).not.toHaveProperty('journal');
    expect(await run()).toEqual([report]);
  });

  it('refuses a seed that is no number', async () => {
    expect(await folder.run(['topology', 'test', '--seed', 'x'])).toMatchObject({ code: 2 });
  });
});
