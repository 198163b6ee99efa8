/** The part of the log's contract that is about groups: assignment, atomic commits, isolation and fencing. */
import { expect, it } from 'vitest';
import type { Assignment, GroupMember, GroupOptions, OffsetCommit } from '../../src/runtime/log.ts';
import {
  type LogContext,
  NO_WAIT,
  numbered,
  output,
  POLL,
  QUIET,
  readAll,
  take,
  text,
} from './log-harness.ts';

interface Joined {
  readonly member: GroupMember;
  readonly options: GroupOptions;
  readonly assigned: Assignment[];
}

let groups = 0;

async function join(
  context: LogContext,
  topics: readonly string[],
  groupId = `contract-group-${++groups}`,
): Promise<Joined> {
  const assigned: Assignment[] = [];
  const listener = { ...QUIET, onAssigned: async (at: readonly Assignment[]) => void assigned.push(...at) };
  const options: GroupOptions = { groupId, topics, slot: '0', listener };
  return { member: await context.log.join(options), options, assigned };
}

/** The commit of everything up to and including `offset`. */
function upTo(joined: Joined, topic: string, offset: bigint, partition = 0): OffsetCommit {
  const epoch = joined.assigned.find((at) => at.topic === topic && at.partition === partition)?.epoch;
  if (epoch === undefined) throw new Error(`${topic}-${partition} is not assigned`);
  return { topic, partition, offset: offset + 1n, epoch };
}

export function describeCommits(context: LogContext): void {
  describeMembers(context);
  describeAtomicity(context);
  describeOwnership(context);
}

function describeMembers(context: LogContext): void {
  it('assigns all partitions before the first record comes, and starts a new group at the beginning', async () => {
    const topic = await context.topic(3);
    await context.log.append(numbered(topic, 30));
    const joined = await join(context, [topic]);
    const records = await take(joined.member, 30);
    expect(joined.assigned.map((at) => at.partition).sort()).toEqual([0, 1, 2]);
    expect(joined.assigned.every((at) => at.position === 0n)).toBe(true);
    expect(new Set(records.map((record) => text(record.value))).size).toBe(30);
    await joined.member.leave();
  });

  it('reads nothing from paused partitions until they are resumed', async () => {
    const topic = await context.topic(2);
    await context.log.append([
      output(topic, 'a', 'p0', { partition: 0 }),
      output(topic, 'a', 'p1', { partition: 1 }),
    ]);
    const { member } = await join(context, [topic]);
    member.pause([{ topic, partition: 0 }]);
    expect((await take(member, 1)).map((record) => record.partition)).toEqual([1]);
    expect(await member.poll(NO_WAIT)).toEqual([]);
    member.resume([{ topic, partition: 0 }]);
    expect((await take(member, 1)).map((record) => record.partition)).toEqual([0]);
    await member.leave();
  });

  it('reads only the topics that a poll asks for; those left out lose nothing', async () => {
    const [one, two] = [await context.topic(1), await context.topic(1)];
    await context.log.append([output(one, 'a', 'one'), output(two, 'a', 'two')]);
    const { member } = await join(context, [one, two]);
    const only = (topic: string) => ({ poll: () => member.poll({ ...POLL, topics: [topic] }) });
    expect((await take(only(two), 1)).map(({ value }) => text(value))).toEqual(['two']);
    expect(await member.poll({ ...NO_WAIT, topics: [two] })).toEqual([]);
    expect((await take(only(one), 1)).map(({ value }) => text(value))).toEqual(['one']);
    await context.log.append([output(two, 'a', 'more')]);
    expect((await take(member, 1)).map(({ value }) => text(value))).toEqual(['more']);
    await member.leave();
  });

  it('ends a wait when it is told to', async () => {
    const topic = await context.topic();
    const { member } = await join(context, [topic]);
    await member.poll(NO_WAIT);
    const stop = new AbortController();
    const start = performance.now();
    const polled = member.poll({ ...NO_WAIT, maxWaitMs: 20_000, signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    expect(await polled).toEqual([]);
    expect(performance.now() - start).toBeLessThan(10_000);
    await member.leave();
  });

  it('goes on at the committed offset after a member has left', async () => {
    const topic = await context.topic();
    await context.log.append(numbered(topic, 10));
    const first = await join(context, [topic]);
    const records = await take(first.member, 6);
    await first.member.commit({ outputs: [], offsets: [upTo(first, topic, records[3]?.offset ?? 0n)] });
    await first.member.leave();
    await first.member.leave();
    const second = await join(context, [topic], first.options.groupId);
    expect((await take(second.member, 6)).map((record) => text(record.value))).toEqual([
      '4',
      '5',
      '6',
      '7',
      '8',
      '9',
    ]);
    await second.member.leave();
  });
}

function describeAtomicity(context: LogContext): void {
  it('shows outputs and offsets of a commit together, to every connection (L1, L5)', async () => {
    const [input, result] = [await context.topic(), await context.topic(2)];
    await context.log.append(numbered(input, 5));
    const joined = await join(context, [input]);
    const records = await take(joined.member, 5);
    const outputs = records.map((record) =>
      output(result, `k${record.offset}`, `scored ${text(record.value)}`),
    );
    expect(await context.log.admin.committedOffsets(joined.options.groupId)).toEqual([]);
    await joined.member.commit({ outputs, offsets: [upTo(joined, input, records.at(-1)?.offset ?? 0n)] });
    const other = await context.harness.connect();
    expect(await readAll(other, result)).toHaveLength(5);
    expect(await other.admin.committedOffsets(joined.options.groupId)).toEqual([
      { topic: input, partition: 0, offset: (records.at(-1)?.offset ?? 0n) + 1n },
    ]);
    await other.close();
    await joined.member.leave();
  });

  it('commits nothing of a unit with an impossible output (L1, L2)', async () => {
    const [input, result] = [await context.topic(), await context.topic()];
    await context.log.append(numbered(input, 2));
    const joined = await join(context, [input]);
    const [record] = await take(joined.member, 2);
    const outputs = [output(result, 'a', 'good'), output('no.such.topic.v1', 'a', 'bad')];
    const offsets = [upTo(joined, input, record?.offset ?? 0n)];
    await expect(joined.member.commit({ outputs, offsets })).rejects.toMatchObject({
      code: 'TOPIC_NOT_FOUND',
    });
    expect(await readAll(context.log, result)).toEqual([]);
    expect(await context.log.admin.committedOffsets(joined.options.groupId)).toEqual([]);
    await joined.member.commit({ outputs: [output(result, 'a', 'good')], offsets });
    expect(await readAll(context.log, result)).toHaveLength(1);
    await joined.member.leave();
  });
}

function describeOwnership(context: LogContext): void {
  it('fences a member whose group was taken over, and keeps nothing of its commit (L3)', async () => {
    const [input, result] = [await context.topic(), await context.topic()];
    await context.log.append(numbered(input, 4));
    const old = await join(context, [input]);
    const records = await take(old.member, 4);
    const usurper = await context.harness.usurp(old.options);
    const unit = {
      outputs: [output(result, 'a', 'x')],
      offsets: [upTo(old, input, records[1]?.offset ?? 0n)],
    };
    await expect(old.member.commit(unit)).rejects.toMatchObject({ code: 'LOG_FENCED' });
    expect(await readAll(context.log, result)).toEqual([]);
    expect(await take(usurper, 4)).toHaveLength(4);
    await usurper.leave();
    await old.member.leave();
  });

  it('refuses offsets that carry the epoch of another assignment', async () => {
    const topic = await context.topic();
    await context.log.append(numbered(topic, 2));
    const joined = await join(context, [topic]);
    const [record] = await take(joined.member, 2);
    const stale = upTo(joined, topic, record?.offset ?? 0n);
    const commit = joined.member.commit({ outputs: [], offsets: [{ ...stale, epoch: stale.epoch - 1 }] });
    // Where partitions move between live members, the member goes on with those that it still has.
    await expect(commit).rejects.toMatchObject({ code: expect.stringMatching(/^LOG_(FENCED|ABORTED)$/) });
    await joined.member.leave();
  });

  it('gives each assignment a higher epoch', async () => {
    const topic = await context.topic();
    const first = await join(context, [topic]);
    await first.member.poll(NO_WAIT);
    await first.member.leave();
    const second = await join(context, [topic], first.options.groupId);
    await second.member.poll(NO_WAIT);
    expect(second.assigned[0]?.epoch).toBeGreaterThan(first.assigned[0]?.epoch ?? Infinity);
    await second.member.leave();
  });

  it('refuses commits of a member that has left', async () => {
    const topic = await context.topic();
    const joined = await join(context, [topic]);
    await joined.member.poll(NO_WAIT);
    await joined.member.leave();
    await expect(
      joined.member.commit({ outputs: [output(topic, 'a', 'x')], offsets: [] }),
    ).rejects.toMatchObject({
      code: 'LOG_FENCED',
    });
    expect(await joined.member.poll(NO_WAIT)).toEqual([]);
  });
}
