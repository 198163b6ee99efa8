import { describe, expect, it } from 'vitest';
import type { ClientConsumer, Done } from '../../../src/adapters/log-kafka/client.ts';
import { CODE } from '../../../src/adapters/log-kafka/client-errors.ts';
import { LastCommit } from '../../../src/adapters/log-kafka/last-commit.ts';
import { clientError } from '../../support/kafka/fake-client.ts';

const OFFSET = { topic: 'in', partition: 0, offset: 7n, epoch: 1 };

/** Answers of `committed`, call by call; the last one stays. */
function make(answers: readonly (number | undefined)[], connected = true) {
  let asked = 0;
  const consumer = {
    isConnected: () => connected,
    committed: (_partitions: unknown, _ms: number, done: Done) => {
      const code = answers[Math.min(asked++, answers.length - 1)];
      setImmediate(() => done(code === undefined ? null : clientError(code), []));
    },
  } as unknown as ClientConsumer;
  const lastCommit = new LastCommit({ consumer, idle: async () => {}, askMs: 100 });
  return { lastCommit, asked: () => asked };
}

describe('the last commit of a member', () => {
  it('is ended when its offsets can be read', async () => {
    const { lastCommit, asked } = make([CODE.TIMED_OUT, undefined]);
    lastCommit.note([OFFSET]);
    expect([await lastCommit.isEnded(), asked()]).toEqual([true, 2]);
  });

  it('is not ended when its offsets stay unstable', async () => {
    const { lastCommit } = make([CODE.TIMED_OUT]);
    lastCommit.note([OFFSET]);
    expect(await lastCommit.isEnded()).toBe(false);
  });

  it('is left alone where nothing was committed, the client is gone, or another error comes', async () => {
    expect(await make([CODE.TIMED_OUT]).lastCommit.isEnded()).toBe(true);
    for (const { lastCommit } of [make([CODE.TIMED_OUT], false), make([CODE.TRANSPORT])]) {
      lastCommit.note([OFFSET]);
      expect(await lastCommit.isEnded()).toBe(true);
    }
  });
});
