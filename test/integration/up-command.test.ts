/** `up` as a supervisor sees it: signals, exit codes, the management port, and one owner for each log. */
import { describe, expect, it, vi } from 'vitest';
import { childrenOf } from '../support/child-processes.ts';
import { runCliProcess } from '../support/cli-process.ts';
import { TOPICS, uploadOf } from '../support/embedded-run.ts';
import { aviBytes, wavBytes } from '../support/tiny-media.ts';
import { until } from '../support/until.ts';
import { isCaughtUp, newSite, type Site, untilGone } from '../support/up-process.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const GROUP = 'firstfive.cold-start.cold-start';

async function publishClips(site: Site, count: number, prefix = 'clip'): Promise<void> {
  const uri = await site.media('clip.avi', aviBytes());
  await site.publish(Array.from({ length: count }, (_, i) => uploadOf(`${prefix}-${i}`, uri)));
}

describe('up', () => {
  it('finishes and commits what it has begun when it is asked to stop, and exits 0', async () => {
    const site = await newSite();
    await publishClips(site, 40);
    const up = site.up();
    await up.management;
    await until('some are scored', async () => (await site.endOf(TOPICS.scores)) > 0);
    const children = childrenOf(up.pid);
    expect(children.length).toBeGreaterThan(0);
    up.child.kill('SIGTERM');
    const { status } = await up.ended;
    expect(status).toBe(0);
    // What was taken in before the signal is at most what may be in flight; all of it is committed with its scores.
    const committed = await site.log.admin.committedOffsets(GROUP);
    const done = committed.reduce((sum, { offset }) => sum + Number(offset), 0);
    expect(await site.endOf(TOPICS.scores)).toBe(done);
    expect(done).toBeGreaterThan(0);
    await untilGone(children);
  });

  it('refuses a log whose group another process runs, naming it, with the exit status of bad configuration', async () => {
    const site = await newSite();
    const first = site.up();
    await first.management;
    const second = site.up();
    const { status, stderr } = await second.ended;
    expect(status).toBe(78);
    expect(stderr).toContain('GROUP_IN_USE');
    expect(stderr).toContain(`process ${first.pid}`);
    // The refused one has not disturbed the first.
    await publishClips(site, 3);
    await until('the first goes on', () => isCaughtUp(site, GROUP));
    first.child.kill('SIGTERM');
    expect((await first.ended).status).toBe(0);
  });

  it('tells its health and its metrics on the management port, and nothing else', async () => {
    const site = await newSite();
    const up = site.up();
    const address = await up.management;
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    await publishClips(site, 4);
    await site.publish([uploadOf('lost', 'file:///nowhere/at/all.mp4')]);
    await until('all are committed', () => isCaughtUp(site, GROUP));
    const health = await fetch(`http://${address}/health`);
    expect(health.status).toBe(200);
    const report = (await health.json()) as { status: string; stages: { partitions: { lag: number }[] }[] };
    expect(report.status).toBe('healthy');
    const lags = report.stages[0]?.partitions.map(({ lag }) => lag) ?? [];
    expect(lags.length).toBeGreaterThanOrEqual(8);
    expect(new Set(lags)).toEqual(new Set([0]));
    expect((await fetch(`http://${address}/ready`)).status).toBe(200);
    expect((await fetch(`http://${address}/other`)).status).toBe(404);
    expect((await fetch(`http://${address}/health`, { method: 'POST', body: 'x' })).status).toBe(405);
    const metrics = parsedMetrics(await (await fetch(`http://${address}/metrics`)).text());
    expect(total(metrics, /^messaging_client_consumed_messages_total/)).toBe(5);
    expect(total(metrics, /^firstfive_records_total\{.*dead-lettered/)).toBe(1);
    up.child.kill('SIGINT');
    expect((await up.ended).status).toBe(0);
  });

  it('writes logs of one JSON object a line, and no word of the uploader in them', async () => {
    const site = await newSite();
    const title = 'a very private title 8471';
    await site.publish([
      uploadOf('private', 'file:///nowhere/private.mp4', { title }),
      uploadOf('sound', await site.media('sound.wav', wavBytes()), { title }),
    ]);
    const up = site.up(['--log-level', 'debug']);
    await until('all are committed', () => isCaughtUp(site, GROUP));
    up.child.kill('SIGTERM');
    const { status, stdout, stderr } = await up.ended;
    expect(status).toBe(0);
    expect(stdout).toBe('');
    const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('firstfive is up'));
    for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow();
    expect(stderr).toContain('MEDIA_FORBIDDEN');
    expect(stderr).not.toContain('8471');
  });

  it('goes on where it stopped, and reads nothing twice', async () => {
    const site = await newSite();
    await publishClips(site, 3, 'before');
    const first = site.up();
    await until('the first part is committed', () => isCaughtUp(site, GROUP));
    first.child.kill('SIGTERM');
    await first.ended;
    await publishClips(site, 3, 'after');
    const second = site.up();
    await until('the second part is committed', () => isCaughtUp(site, GROUP));
    second.child.kill('SIGTERM');
    await second.ended;
    expect(await site.endOf(TOPICS.scores)).toBe(6);
    expect(await site.endOf(TOPICS.deadLetters)).toBe(0);
  });

  it('cannot be started with what it cannot use: exit 78 and one line that says what', async () => {
    for (const [flags, said] of [
      [['--bundle', 'nonesuch'], 'BUNDLE_NOT_FOUND'],
      [['--provider', 'cuda'], 'PROVIDER_UNAVAILABLE'],
      [['--topology', 'nowhere/x.yaml'], 'TOPOLOGY_INVALID'],
    ] as const) {
      const site = await newSite();
      const { status, stderr } = await runCliProcess(['up', '--data', site.folder, ...flags]);
      expect(stderr, said).toMatch(new RegExp(`^firstfive: ${said} .+\n$`, 'm'));
      expect([said, status]).toEqual([said, 78]);
    }
  });
});

/** The Prometheus text format (version 0.0.4), strictly: every line is a comment or `name{labels} value`. */
function parsedMetrics(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-zA-Z_:][\w:]*(?:\{[^}]*\})?) (\S+)(?: \d+)?$/.exec(line);
    expect(match, line).not.toBeNull();
    values.set(match?.[1] ?? '', Number(match?.[2]?.replace('+Inf', 'Infinity')));
  }
  return values;
}

function total(metrics: ReadonlyMap<string, number>, name: RegExp): number {
  let sum = 0;
  for (const [key, value] of metrics) if (name.test(key)) sum += value;
  return sum;
}
