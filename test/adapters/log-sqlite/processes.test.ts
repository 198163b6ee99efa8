import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { GroupOptions } from '../../../src/runtime/log.ts';
import { numbered, QUIET, readAll, take, text } from '../../contract/log-harness.ts';
import { type NodeProcess, startNode } from '../../support/start-node.ts';
import { temporaryLog, topicSpec } from './temporary-log.ts';

/** More of them in the long form of the tests. */
const ROUNDS = process.env.FIRSTFIVE_TEST_LONG === '1' ? 30 : 8;

const program = (name: string) => new URL(`./programs/${name}.ts`, import.meta.url);
const group = (groupId: string): GroupOptions => ({ groupId, topics: ['in'], slot: '0', listener: QUIET });

async function says(child: NodeProcess, word: string): Promise<void> {
  let output = '';
  for await (const chunk of child.stdout) {
    output += chunk;
    if (output.includes(word)) return;
  }
  throw new Error(`the process ended without saying ${word}: ${output}`);
}

it('refuses a second member of a group and names the owner, in another process and in this one', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('in'), topicSpec('out')]);
  const child = startNode(program('pipeline'), [temporary.path, 'a group/with: signs']);
  await says(child, 'joined');
  await expect(log.join(group('a group/with: signs'))).rejects.toMatchObject({
    code: 'GROUP_IN_USE',
    kind: 'config',
    message: expect.stringContaining(`process ${child.pid};`),
  });
  const other = await log.join(group('another group'));
  await expect(log.join(group('another group'))).rejects.toMatchObject({
    message: expect.stringContaining('this very process'),
  });
  await other.leave();
  await (await log.join(group('another group'))).leave();
  child.kill('SIGKILL');
  await once(child, 'exit');
});

it('frees the group of a killed owner at once', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('in'), topicSpec('out')]);
  const child = startNode(program('pipeline'), [temporary.path, 'g']);
  await says(child, 'joined');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const member = await log.join(group('g'));
  await log.append(numbered('in', 1));
  expect(await take(member, 1)).toHaveLength(1);
});

it('loses and doubles nothing when its owner is killed in the middle of commits, again and again', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('in', { partitions: 3 }), topicSpec('out', { partitions: 2 })]);
  const total = 2_500 + ROUNDS * 100;
  await log.append(numbered('in', total / 2));
  const feeder = startNode(program('append'), [
    temporary.path,
    'in',
    String(total / 2),
    String(total / 2),
    '3',
  ]);
  const fed = once(feeder, 'exit');
  let interrupted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const child = startNode(program('pipeline'), [temporary.path, 'g']);
    await says(child, 'joined');
    await new Promise((resolve) => setTimeout(resolve, (round * 29) % 90));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const written = (await readAll(log, 'out')).length;
    if (written > 0 && written < total) interrupted++;
  }
  await fed;
  expect(interrupted).toBeGreaterThan(2);
  const last = startNode(program('pipeline'), [temporary.path, 'g']);
  await says(last, 'done');
  const values = (await readAll(log, 'out')).map((record) => Number(text(record.value)));
  expect(values).toHaveLength(total);
  expect(new Set(values).size).toBe(total);
  const ends = (await log.admin.describeTopics(['in']))[0]?.offsets.map((at) => at.end);
  expect((await log.admin.committedOffsets('g')).map((at) => at.offset)).toEqual(ends);
}, 120_000);

it('takes appends of several processes at once, and all of them land', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('in', { partitions: 4 })]);
  const children = [0, 1, 2].map((i) =>
    startNode(program('append'), [temporary.path, 'in', String(i * 1_000), '1000', '7']),
  );
  const own = (async () => {
    for (let i = 0; i < 100; i++) await log.append(numbered('in', 10));
  })();
  await Promise.all([own, ...children.map((child) => once(child, 'exit'))]);
  expect(children.map((child) => child.exitCode)).toEqual([0, 0, 0]);
  const keys = (await readAll(log, 'in')).map((record) => text(record.key));
  expect(keys.filter((key) => !key?.startsWith('key-'))).toHaveLength(3_000);
  expect(keys).toHaveLength(4_000);
}, 120_000);

it('lets one appender through while another one never pauses', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('in')]);
  const busy = startNode(program('append'), [temporary.path, 'in', '0', '400000', '2000']);
  const reader = await log.openReader(['in'], { at: 'end' });
  await reader.next({ maxRecords: 1, maxBytes: 1, maxWaitMs: 5_000 });
  let waited = 0;
  for (let i = 0; i < 20 && busy.exitCode === null; i++) {
    const start = performance.now();
    await log.append(numbered('in', 1));
    waited = Math.max(waited, performance.now() - start);
  }
  busy.kill('SIGKILL');
  await once(busy, 'exit');
  expect(waited).toBeLessThan(9_000);
  process.stderr.write(`note: the longest wait for the busy log was ${waited.toFixed(0)} ms\n`);
}, 120_000);

it('removes its WAL file when the last process closes it', async () => {
  const temporary = await temporaryLog();
  const log = await temporary.open();
  await log.admin.ensureTopics([topicSpec('in')]);
  await log.append(numbered('in', 100));
  expect(existsSync(`${temporary.path}-wal`)).toBe(true);
  await log.close();
  expect(existsSync(`${temporary.path}-wal`)).toBe(false);
});
