import { describe, expect, it, vi } from 'vitest';
import { Assignments } from '../../../src/adapters/log-kafka/assignments.ts';
import { CODE } from '../../../src/adapters/log-kafka/client-errors.ts';
import type { ConsumerPump } from '../../../src/adapters/log-kafka/consumer-pump.ts';
import { RecordBuffer } from '../../../src/adapters/log-kafka/record-buffer.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import type { Assignment, GroupListener } from '../../../src/runtime/log.ts';
import { clientError, FakeConsumer } from '../../support/kafka/fake-client.ts';

const ASSIGN = clientError(CODE.ASSIGN_PARTITIONS);
const REVOKE = clientError(CODE.REVOKE_PARTITIONS);
const at = (...partitions: number[]) => partitions.map((partition) => ({ topic: 't', partition }));
const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

function make(
  options: {
    listener?: Partial<GroupListener>;
    idle?: Promise<void>;
    revokeDrainMs?: number;
    isReachable?: () => boolean;
    patienceMs?: number;
  } = {},
) {
  const consumer = new FakeConsumer();
  const failures: unknown[] = [];
  const told: string[] = [];
  const listener: GroupListener = {
    onAssigned: async (partitions) => void told.push(`assigned ${partitions.map((one) => one.partition)}`),
    onRevoked: async (partitions) => void told.push(`revoked ${partitions.map((one) => one.partition)}`),
    ...options.listener,
  };
  const pump = {
    quiesce: async (work: () => void) => work(),
    reassigned: () => {},
  } as unknown as ConsumerPump;
  const assignments = new Assignments({
    consumer: consumer.client,
    buffer: new RecordBuffer(),
    pump: () => pump,
    listener,
    positions: async (partitions) =>
      partitions.map((one) => ({ ...one, offset: BigInt(10 + one.partition) })),
    transactionIdle: () => options.idle ?? Promise.resolve(),
    revokeDrainMs: options.revokeDrainMs ?? 1_000,
    isReachable: options.isReachable ?? (() => true),
    patienceMs: options.patienceMs ?? 60_000,
    onFailure: (thrown) => failures.push(thrown),
    onRevoked: () => {},
  });
  return { consumer, failures, told, assignments };
}

describe('the assignments of a group member', () => {
  it('start at given positions, after the listener was told', async () => {
    const { consumer, told, assignments } = make();
    assignments.handle(ASSIGN, at(0, 2));
    await assignments.firstAnswer(1_000);
    expect([told, consumer.calls]).toEqual([['assigned 0,2'], ['incrementalAssign 0@10,2@12']]);
  });

  it('get a higher epoch each time', async () => {
    const { assignments } = make();
    assignments.handle(ASSIGN, at(0));
    await turns();
    const first = assignments.epochOf({ topic: 't', partition: 0 }) ?? Infinity;
    assignments.handle(REVOKE, at(0));
    await turns();
    expect(assignments.epochOf({ topic: 't', partition: 0 })).toBeUndefined();
    assignments.handle(ASSIGN, at(0));
    await turns();
    expect(assignments.epochOf({ topic: 't', partition: 0 })).toBeGreaterThan(first);
  });

  it('are given up, and invalid, only when no transaction is open', async () => {
    const transaction = Promise.withResolvers<void>();
    const { consumer, told, assignments } = make({ idle: transaction.promise });
    assignments.handle(ASSIGN, at(0));
    await turns();
    assignments.handle(REVOKE, at(0));
    await turns();
    expect(told.at(-1)).toBe('revoked 0');
    expect(consumer.calls).toEqual(['incrementalAssign 0@10']);
    expect(assignments.epochOf({ topic: 't', partition: 0 })).toBeDefined();
    transaction.resolve();
    await turns();
    expect(consumer.calls.at(-1)).toBe('incrementalUnassign 0');
    expect(assignments.all).toEqual([]);
  });

  it('are given up after the time for draining, though the listener has not finished', async () => {
    const never = new Promise<void>(() => {});
    const { consumer, assignments } = make({ listener: { onRevoked: () => never }, revokeDrainMs: 20 });
    assignments.handle(ASSIGN, at(0));
    assignments.handle(REVOKE, at(0));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(consumer.calls.at(-1)).toBe('incrementalUnassign 0');
  });

  it('are given up in the way that the first assignment was made, when the client no longer knows it', async () => {
    const { consumer, assignments } = make();
    assignments.handle(ASSIGN, at(0));
    await turns();
    consumer.protocol = 'NONE';
    assignments.handle(REVOKE, at(0));
    await turns();
    expect(consumer.calls.at(-1)).toBe('incrementalUnassign 0');
  });

  it('are answered one after the other', async () => {
    const gate = Promise.withResolvers<void>();
    const { consumer, assignments } = make({ listener: { onAssigned: () => gate.promise } });
    assignments.handle(ASSIGN, at(0));
    assignments.handle(REVOKE, at(0));
    await turns();
    expect(consumer.calls).toEqual([]);
    gate.resolve();
    await turns();
    expect(consumer.calls).toEqual(['incrementalAssign 0@10', 'incrementalUnassign 0']);
  });

  it('end the member when its listener meets something that will not pass, and wait where it will', async () => {
    let tries = 0;
    const onAssigned = async (_: readonly Assignment[]) => {
      tries += 1;
      if (tries === 1) throw new FirstFiveError('LOG_UNAVAILABLE', 'for a moment');
    };
    const waiting = make({ listener: { onAssigned } });
    waiting.assignments.handle(ASSIGN, at(0));
    await waiting.assignments.firstAnswer(5_000);
    expect([waiting.failures, waiting.consumer.calls]).toEqual([[], ['incrementalAssign 0@10']]);
    const refuse = async () => {
      throw new FirstFiveError('TOPIC_MISMATCH', 'for good');
    };
    const ending = make({ listener: { onAssigned: refuse } });
    ending.assignments.handle(ASSIGN, at(0));
    await turns();
    expect(ending.failures).toMatchObject([{ code: 'TOPIC_MISMATCH' }]);
  });

  it('end the member when the brokers answer and partitions cannot be taken over all the same', async () => {
    const onAssigned = async () => {
      throw new FirstFiveError('LOG_UNAVAILABLE', 'offsets are not stable');
    };
    const stuck = make({ listener: { onAssigned }, patienceMs: 0 });
    stuck.assignments.handle(ASSIGN, at(0));
    await vi.waitFor(() => expect(stuck.failures).toMatchObject([{ code: 'LOG_CLIENT_FAILED' }]), 10_000);
    expect(String(stuck.failures[0])).toContain('offsets are not stable');
  });

  it('wait as long as no broker answers', async () => {
    let tries = 0;
    const onAssigned = async () => {
      tries += 1;
      if (tries < 3) throw new FirstFiveError('LOG_UNAVAILABLE', 'an outage');
    };
    const outage = make({ listener: { onAssigned }, patienceMs: 500, isReachable: () => tries >= 3 });
    outage.assignments.handle(ASSIGN, at(0));
    await outage.assignments.firstAnswer(10_000);
    expect([outage.failures, outage.consumer.calls]).toEqual([[], ['incrementalAssign 0@10']]);
  });

  it('tell the listener nothing once the member leaves, but give everything back', async () => {
    const { consumer, told, assignments } = make();
    assignments.handle(ASSIGN, at(0, 1));
    await turns();
    assignments.silence();
    assignments.handle(REVOKE, at(0, 1));
    await assignments.released(1_000);
    expect([told, consumer.calls.at(-1)]).toEqual([['assigned 0,1'], 'incrementalUnassign 0,1']);
  });
});
