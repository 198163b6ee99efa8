import { statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Log } from '../../../src/runtime/log.ts';
import { bytes, numbered, output, QUIET, readAll, take, text } from '../../contract/log-harness.ts';
import { type TemporaryLog, temporaryLog, topicSpec } from './temporary-log.ts';

const HOUR = 3_600_000;

async function logWithClock(): Promise<{ log: Log; temporary: TemporaryLog; clock: { now: number } }> {
  const temporary = await temporaryLog();
  const clock = { now: 1_700_000_000_000 };
  return { log: await temporary.open({ now: () => clock.now }), temporary, clock };
}

const values = async (log: Log, topic: string) =>
  (await readAll(log, topic)).map((record) => text(record.value));

it('removes what is older than the retention, by append time and not by event time', async () => {
  const { log, clock } = await logWithClock();
  await log.admin.ensureTopics([topicSpec('t', { retentionMs: HOUR })]);
  await log.append([
    output('t', 'a', 'old'),
    output('t', 'b', 'old too', { timestamp: clock.now + 99 * HOUR }),
  ]);
  clock.now += HOUR - 1;
  await log.append([output('t', 'c', 'young, of an old event', { timestamp: 5 })]);
  expect(await log.admin.clean()).toBe(0);
  clock.now += 2;
  expect(await log.admin.clean()).toBe(2);
  expect(await values(log, 't')).toEqual(['young, of an old event']);
  expect((await log.admin.describeTopics(['t']))[0]?.offsets).toEqual([{ start: 2n, end: 3n }]);
  expect((await log.admin.offsetsForTime('t', 0))[0]?.offset).toBe(2n);
});

it('keeps offsets growing after everything has gone', async () => {
  const { log, clock } = await logWithClock();
  await log.admin.ensureTopics([topicSpec('t', { retentionMs: HOUR })]);
  await log.append(numbered('t', 3_000));
  clock.now += 2 * HOUR;
  expect(await log.admin.clean()).toBe(3_000);
  const [at] = await log.append([output('t', 'a', 'next')]);
  expect(at?.offset).toBe(3_000n);
});

it('keeps for ever without a retention', async () => {
  const { log, clock } = await logWithClock();
  await log.admin.ensureTopics([topicSpec('t')]);
  await log.append(numbered('t', 3));
  clock.now += 1_000_000 * HOUR;
  expect(await log.admin.clean()).toBe(0);
});

it('stops a group whose unread records are gone, and lets a reader go on', async () => {
  const { log, clock } = await logWithClock();
  await log.admin.ensureTopics([topicSpec('t', { retentionMs: HOUR })]);
  await log.append(numbered('t', 2));
  const group = { groupId: 'g', topics: ['t'], slot: '0', listener: QUIET };
  const member = await log.join(group);
  const [first] = await take(member, 1);
  await member.commit({
    outputs: [],
    offsets: [{ topic: 't', partition: 0, offset: (first?.offset ?? 0n) + 1n, epoch: 1 }],
  });
  const reader = await log.openReader(['t'], { at: 'beginning' });
  clock.now += 2 * HOUR;
  await log.admin.clean();
  await log.append([output('t', 'a', 'new')]);
  const poll = { maxRecords: 10, maxBytes: 1_000, maxWaitMs: 0 };
  await expect(member.poll(poll)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
  await member.leave();
  await expect(log.join(group)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
  expect((await reader.next(poll)).map((record) => text(record.value))).toEqual(['new']);
});

it('compacts to the latest record of each key, and drops tombstones after the retention', async () => {
  const { log, clock } = await logWithClock();
  await log.admin.ensureTopics([topicSpec('t', { cleanup: 'compact', retentionMs: HOUR })]);
  await log.append([
    output('t', 'a', '1'),
    output('t', 'b', '1'),
    output('t', 'a', '2'),
    output('t', 'c', '1'),
  ]);
  await log.append([output('t', 'c', null)]);
  expect(await log.admin.clean()).toBe(2);
  expect(await values(log, 't')).toEqual(['1', '2', null]);
  clock.now += HOUR + 1;
  expect(await log.admin.clean()).toBe(1);
  expect(await values(log, 't')).toEqual(['1', '2']);
});

it('lets a reader behind a compacted end reach the end', async () => {
  const { log, clock } = await logWithClock();
  await log.admin.ensureTopics([topicSpec('t', { cleanup: 'compact', retentionMs: HOUR })]);
  await log.append([output('t', 'a', '1'), output('t', 'a', null)]);
  clock.now += HOUR + 1;
  await log.admin.clean();
  const reader = await log.openReader(['t'], { at: 'beginning' });
  expect(await reader.next({ maxRecords: 10, maxBytes: 10, maxWaitMs: 0 })).toEqual([]);
  expect(reader.positions()).toEqual([{ topic: 't', partition: 0, offset: 2n }]);
});

it('keeps exactly the latest value of every key, whatever is appended and whenever it is compacted', async () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(fc.nat(12), fc.option(fc.nat(1_000), { freq: 8 })) },
    { weight: 1, arbitrary: fc.constant('clean' as const) },
  );
  const { log } = await logWithClock();
  let runs = 0;
  const property = fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
    const topic = `t${runs++}`;
    await log.admin.ensureTopics([topicSpec(topic, { cleanup: 'compact' })]);
    const latest = new Map<string, string | null>();
    for (const one of steps) {
      if (one === 'clean') await log.admin.clean();
      else {
        const [key, value] = [`k${one[0]}`, one[1] === null ? null : String(one[1])];
        await log.append([output(topic, key, value)]);
        latest.set(key, value);
      }
    }
    await log.admin.clean();
    const kept = (await readAll(log, topic)).map((record) => [text(record.key), text(record.value)]);
    expect(new Map(kept as [string, string | null][])).toEqual(latest);
    expect(kept).toHaveLength(latest.size);
  });
  await fc.assert(property, { numRuns: 10 });
}, 60_000);

it('lets other work of the process run between slices', async () => {
  const { log, clock } = await logWithClock();
  await log.admin.ensureTopics([
    topicSpec('t', { retentionMs: HOUR }),
    topicSpec('c', { cleanup: 'compact' }),
  ]);
  const value = bytes('v'.repeat(200));
  for (let i = 0; i < 30; i++) {
    const records = Array.from({ length: 2_000 }, (_, j) => ({ ...output('t', `${i}-${j}`, ''), value }));
    await log.append(records);
    await log.append(records.map((record, j) => ({ ...record, topic: 'c', key: bytes(String(j)) })));
  }
  clock.now += 2 * HOUR;
  let turns = 0;
  let cleaning = true;
  const counted = (async () => {
    for (; cleaning; turns++) await nextTurn();
  })();
  expect(await log.admin.clean()).toBe(60_000 + 58_000);
  cleaning = false;
  await counted;
  expect(turns).toBeGreaterThan(10);
}, 60_000);

it('uses freed space again, so that the file does not grow with the records that pass through', async () => {
  const { log, temporary, clock } = await logWithClock();
  await log.admin.ensureTopics([topicSpec('t', { retentionMs: HOUR })]);
  const value = bytes('v'.repeat(2_000));
  const sizes: number[] = [];
  for (let round = 0; round < 12; round++) {
    await log.append(Array.from({ length: 2_000 }, (_, i) => ({ ...output('t', String(i), ''), value })));
    clock.now += HOUR + 1;
    await log.admin.clean();
    sizes.push(statSync(temporary.path).size);
  }
  expect(Math.max(...sizes)).toBeLessThan(3 * 2_000 * 2_000);
}, 60_000);
