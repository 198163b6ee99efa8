import { describe, expect, it } from 'vitest';
import { CODE, fencedError } from '../../../src/adapters/log-kafka/client-errors.ts';
import { KafkaGroupMember, type MemberParts } from '../../../src/adapters/log-kafka/group-member.ts';
import { RecordBuffer } from '../../../src/adapters/log-kafka/record-buffer.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { Pulse } from '../../../src/runtime/clock.ts';
import { clientError, FakeConsumer } from '../../support/kafka/fake-client.ts';

const UNIT = {
  outputs: [{ topic: 'out', timestamp: 1, key: null, value: null, headers: [] }],
  offsets: [{ topic: 'in', partition: 0, offset: 7n, epoch: 1 }],
};
const REQUEST = { maxRecords: 1, maxBytes: 1, maxWaitMs: 2_000 };

interface Scene {
  /** What each transaction ends with, in order; after the last one all are committed. */
  readonly outcomes?: FirstFiveError[];
  /** What asking for the slot finds. */
  readonly taken?: FirstFiveError;
  readonly isEnded?: () => Promise<boolean>;
}

function make(scene: Scene = {}) {
  const calls: string[] = [];
  const note = (name: string) => async () => void calls.push(name);
  const committer: { failure: FirstFiveError | undefined } & Pick<
    MemberParts['committer'],
    'idle' | 'transact'
  > = {
    failure: undefined,
    idle: async () => {},
    transact: async () => {
      const outcome = scene.outcomes?.shift();
      calls.push(outcome === undefined ? 'committed' : outcome.code);
      if (outcome !== undefined) throw outcome;
    },
  };
  const parts = {
    name: 'group.0',
    consumer: new FakeConsumer().client,
    clients: [],
    committer,
    slotTransactions: {
      endOutputs: async (topics: Iterable<string>) => void calls.push(`outputs ${[...topics]}`),
      endOffsets: async () => {
        committer.failure = scene.taken;
        if (scene.taken !== undefined) throw scene.taken;
      },
      doubt: (topics: Iterable<string>) => void calls.push(`doubt ${[...topics]}`),
      settleOffsets: note('settle'),
    },
    buffer: new RecordBuffer(),
    pump: { servedAt: performance.now(), cycle: async () => {}, roomMade: () => {} },
    assignments: { epochOf: () => 1 },
    paused: new Set(),
    catalog: { require: async () => {} },
    reachability: { require: () => {}, isReachable: true },
    lastCommit: { note: () => {}, isEnded: scene.isEnded ?? (async () => true) },
    maxGapMs: 60_000,
    served: new Pulse(),
    onLeft: () => {},
  } as unknown as MemberParts;
  return { calls, member: new KafkaGroupMember(parts) };
}

describe('a member of a Kafka group', () => {
  it('looks for what brokers left open before a commit, and again after one that was aborted', async () => {
    const { calls, member } = make({ outcomes: [new FirstFiveError('LOG_ABORTED', 'a rebalance')] });
    await expect(member.commit(UNIT)).rejects.toMatchObject({ code: 'LOG_ABORTED' });
    await member.commit(UNIT);
    expect(calls).toEqual([
      ...['settle', 'outputs out', 'LOG_ABORTED', 'doubt out'],
      ...['settle', 'outputs out', 'committed'],
    ]);
  });

  it('commits nothing after an outage before its last commit was looked at', async () => {
    const answer = Promise.withResolvers<boolean>();
    const { calls, member } = make({ isEnded: () => answer.promise });
    member.checkLastCommit();
    const committed = member.commit(UNIT);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(calls).not.toContain('committed');
    answer.resolve(true);
    await committed;
    expect(calls.at(-1)).toBe('committed');
  });

  it('ends when the brokers forgot its last commit', async () => {
    const { calls, member } = make({ isEnded: async () => false });
    member.checkLastCommit();
    await expect(member.commit(UNIT)).rejects.toMatchObject({ code: 'LOG_CLIENT_FAILED' });
    expect(calls).not.toContain('committed');
  });

  it('asks its producer whether another process has the slot when its consumer has failed', async () => {
    const failed = clientError(CODE.FATAL);
    const alone = make();
    alone.member.fail(failed);
    await expect(alone.member.poll(REQUEST)).rejects.toMatchObject({ code: 'LOG_CLIENT_FAILED' });
    const replaced = make({ taken: fencedError('group.0', 'another process uses the same slot') });
    replaced.member.fail(failed);
    await expect(replaced.member.poll(REQUEST)).rejects.toMatchObject({ code: 'LOG_FENCED' });
  });

  it('goes on after what the client mends by itself', async () => {
    const { member } = make();
    member.fail(clientError(CODE.TRANSPORT));
    expect(await member.poll({ ...REQUEST, maxWaitMs: 0 })).toEqual([]);
  });
});
