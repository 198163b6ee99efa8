import { describe, expect, it } from 'vitest';
import { FirstFiveError } from '../../src/core/errors.ts';
import { partitionKey } from '../../src/core/record.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Assignment, GroupMember, OffsetCommit } from '../../src/runtime/log.ts';
import { MemoryLog } from '../../src/testing/memory-log.ts';
import { describeLog } from '../contract/log.contract.ts';
import { NO_WAIT, numbered, output, readAll, take, text } from '../contract/log-harness.ts';

describeLog('the memory log', async () => {
  const log = new MemoryLog(systemClock);
  return {
    log,
    connect: async () => log.connect(),
    usurp: (options) => log.connect().join(options),
    dispose: async () => log.close(),
  };
});

class Joined {
  readonly epochs = new Map<string, Assignment>();
  readonly calls: string[] = [];
  member: GroupMember | undefined;
  onRevoked: () => Promise<void> = async () => {};

  async join(log: MemoryLog, topics: readonly string[], slot: string): Promise<this> {
    this.member = await log.join({
      groupId: 'group',
      topics,
      slot,
      listener: {
        onAssigned: async (partitions) => {
          for (const at of partitions) this.epochs.set(partitionKey(at), at);
          this.calls.push(`assigned ${partitions.map(partitionKey)}`);
        },
        onRevoked: async (partitions) => {
          this.calls.push(`revoked ${partitions.map(partitionKey)}`);
          await this.onRevoked();
          for (const at of partitions) this.epochs.delete(partitionKey(at));
        },
      },
    });
    return this;
  }

  get poll() {
    if (this.member === undefined) throw new Error('not joined');
    return this.member;
  }

  next(topic: string, partition: number, offset: bigint): OffsetCommit {
    const epoch = this.epochs.get(partitionKey({ topic, partition }))?.epoch ?? 0;
    return { topic, partition, offset, epoch };
  }
}

async function newLog(...topics: string[]): Promise<MemoryLog> {
  const log = new MemoryLog(systemClock);
  await log.admin.ensureTopics(
    topics.map((name) => ({ name, partitions: 4, cleanup: 'delete', retentionMs: null })),
  );
  return log;
}

describe('a group of several members on the memory log', () => {
  it('shares the partitions, the same number of every topic to the same member', async () => {
    const log = await newLog('in', 'retry');
    const a = await new Joined().join(log, ['in', 'retry'], 'a');
    const b = await new Joined().join(log, ['in', 'retry'], 'b');
    expect([...a.epochs.keys()].sort()).toEqual(['in-0', 'in-1', 'retry-0', 'retry-1']);
    expect([...b.epochs.keys()].sort()).toEqual(['in-2', 'in-3', 'retry-2', 'retry-3']);
    await log.append(numbered('in', 40));
    const [fromA, fromB] = [await a.poll.poll(NO_WAIT), await b.poll.poll(NO_WAIT)];
    expect(new Set([...fromA, ...fromB].map((record) => text(record.value))).size).toBe(40);
    expect(fromA.every((record) => record.partition < 2)).toBe(true);
  });

  it('lets the former owner commit before its partitions move, and starts the next one behind that', async () => {
    const log = await newLog('in', 'out');
    const a = await new Joined().join(log, ['in'], 'a');
    await log.append(numbered('in', 8, { partition: 3 }));
    await take(a.poll, 8);
    a.onRevoked = () => a.poll.commit({ outputs: [output('out', 'k', 'x')], offsets: [a.next('in', 3, 5n)] });
    const b = await new Joined().join(log, ['in'], 'b');
    expect((await take(b.poll, 3)).map((record) => record.offset)).toEqual([5n, 6n, 7n]);
    expect(await readAll(log, 'out')).toHaveLength(1);
  });

  it('refuses the commit of a partition that moved on, and takes the others of its former owner', async () => {
    const log = await newLog('in', 'out');
    const a = await new Joined().join(log, ['in'], 'a');
    const stale = a.next('in', 3, 1n);
    await new Joined().join(log, ['in'], 'b');
    const outputs = [output('out', 'k', 'x')];
    await expect(a.poll.commit({ outputs, offsets: [a.next('in', 0, 1n), stale] })).rejects.toMatchObject({
      code: 'LOG_ABORTED',
    });
    expect(await readAll(log, 'out')).toEqual([]);
    await a.poll.commit({ outputs, offsets: [a.next('in', 0, 1n)] });
    expect(await readAll(log, 'out')).toHaveLength(1);
  });

  it('gives the partitions of a member that hangs to the others once it has expired, and fences it', async () => {
    const log = await newLog('in');
    const a = await new Joined().join(log, ['in'], 'a');
    a.onRevoked = () => new Promise(() => {});
    const joining = new Joined().join(log, ['in'], 'b');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(log.members('group')).toEqual(['a', 'b']);
    log.expire('group', 'a');
    const b = await joining;
    await expect.poll(() => b.epochs.size, { timeout: 20_000 }).toBe(4);
    await expect(a.poll.poll(NO_WAIT)).rejects.toMatchObject({ code: 'LOG_FENCED' });
    await expect(a.poll.commit({ outputs: [], offsets: [] })).rejects.toMatchObject({ code: 'LOG_FENCED' });
  });

  it('recognises a unit whose answer was lost, and fences a member that goes on with another one', async () => {
    const log = await newLog('in', 'out');
    const a = await new Joined().join(log, ['in'], 'a');
    const unit = { outputs: [output('out', 'k', 'x')], offsets: [a.next('in', 0, 1n)] };
    log.fault = (step) => {
      if (step === 'committed') throw new FirstFiveError('LOG_UNAVAILABLE', 'no answer');
    };
    await expect(a.poll.commit(unit)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    log.fault = () => {};
    await a.poll.commit(unit);
    expect(await readAll(log, 'out')).toHaveLength(1);
    log.fault = (step) => {
      if (step === 'committed') throw new FirstFiveError('LOG_UNAVAILABLE', 'no answer');
    };
    const second = { outputs: [output('out', 'k', 'y')], offsets: [a.next('in', 0, 2n)] };
    await expect(a.poll.commit(second)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    const larger = { ...second, offsets: [a.next('in', 0, 3n)] };
    await expect(a.poll.commit(larger)).rejects.toMatchObject({ code: 'LOG_FENCED' });
    expect(await readAll(log, 'out')).toHaveLength(2);
  });

  it('tells a listener that failed again, until it has taken its partitions', async () => {
    const log = await newLog('in');
    let failures = 1;
    log.fault = (step) => {
      if (step === 'assign' && failures-- > 0) throw new FirstFiveError('LOG_UNAVAILABLE', 'away');
    };
    const a = await new Joined().join(log, ['in'], 'a');
    expect(a.calls).toEqual(['assigned in-0,in-1,in-2,in-3']);
  });
});
