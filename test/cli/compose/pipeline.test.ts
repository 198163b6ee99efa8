import { describe, expect, it } from 'vitest';
import { startPipeline } from '../../../src/cli/compose/pipeline.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { RecordHandler } from '../../../src/runtime/handler.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { inputTopics } from '../../../src/runtime/side-inputs.ts';
import type { StageSpec, Topology } from '../../../src/runtime/topology.ts';
import { MemoryLog } from '../../../src/testing/memory-log.ts';
import { echoHandler, emitted, INPUT, LETTERS, OUTPUT, stageSpec, upload } from '../../runtime/fixtures.ts';
import { until } from '../../support/until.ts';

const COMMIT = { intervalMs: 5, maxRecords: 8 };

function topologyOf(stages: readonly StageSpec[]): Topology {
  const names = new Set(
    stages.flatMap((s) => [...inputTopics(s), s.deadLetters, ...Object.values(s.outputs)]),
  );
  const topics = [...names].map(
    (name) => ({ name, partitions: 2, cleanup: 'delete', retentionMs: null }) as const,
  );
  return {
    name: 'test',
    bundle: 'none',
    delivery: 'exactly-once',
    topics,
    stages,
    decoders: 1,
    inference: {},
  };
}

const one = () => topologyOf([stageSpec({ commit: COMMIT })]);

/** Two stages; the first hands on what it read. */
function two(): Topology {
  return topologyOf([
    stageSpec({
      name: 'first',
      groupId: 'first',
      steps: ['embed'],
      outputs: { embed: 'middle' },
      commit: COMMIT,
    }),
    stageSpec({ name: 'second', groupId: 'second', input: 'middle', commit: COMMIT }),
  ]);
}

const passOn: RecordHandler = {
  handle: async ({ key, value }) => ({
    outputs: [{ topic: 'middle', timestamp: 1, key, value, headers: [] }],
  }),
  rejected: () => undefined,
};

const handlerOf = (stage: StageSpec) => (stage.name === 'first' ? passOn : echoHandler());

describe('startPipeline', () => {
  it('makes the topics, works off what waits, and tells of each record once it is committed', async () => {
    const log = new MemoryLog(systemClock);
    const settled: string[] = [];
    const pipeline = await startPipeline({
      ...{ topology: two(), log, slot: '0', handlerOf },
      onSettled: (stage, { outcome }) => settled.push(`${stage.name} ${outcome}`),
    });
    await log.append([upload('a'), upload('b'), upload('c')]);
    await until('all three have passed both stages', () => settled.length === 6);
    expect(emitted(log).sort()).toEqual(['a@0/1', 'b@0/1', 'c@0/1']);
    expect(settled.sort()).toEqual([...Array(3).fill('first emitted'), ...Array(3).fill('second emitted')]);
    expect(await pipeline.health()).toMatchObject({
      status: 'healthy',
      stages: [{ name: 'first' }, { name: 'second' }],
    });
    await pipeline.stop(1_000);
    await pipeline.stop(1_000);
    expect(await pipeline.ended()).toBeUndefined();
  });

  it('refuses a topology that cannot run before it touches the log', async () => {
    const log = new MemoryLog(systemClock);
    const broken = { ...one(), stages: [stageSpec({ input: 'undeclared' })] };
    await expect(startPipeline({ topology: broken, log, slot: '0', handlerOf })).rejects.toMatchObject({
      code: 'TOPOLOGY_INVALID',
    });
    expect(await log.admin.describeTopics()).toEqual([]);
  });

  it('ends with the failure of the stage that ended by itself', async () => {
    const log = new MemoryLog(systemClock);
    const pipeline = await startPipeline({ topology: two(), log, slot: '0', handlerOf });
    log.fault = (step) => {
      if (step === 'commit') throw new FirstFiveError('LOG_FENCED', 'another owner');
    };
    await log.append([upload('a')]);
    expect((await pipeline.ended())?.code).toBe('LOG_FENCED');
    const health = await pipeline.health();
    expect(health.status).toBe('unhealthy');
    expect(health.reasons.join()).toContain('LOG_FENCED');
    await pipeline.stop(0);
    expect(emitted(log)).toEqual([]);
  });

  it('leaves what it had joined when a later stage cannot be started', async () => {
    const log = new MemoryLog(systemClock);
    const left: string[] = [];
    const joining: Log = Object.assign(Object.create(log) as Log, {
      admin: log.admin,
      join: async (options: Parameters<Log['join']>[0]) => {
        if (options.groupId === 'second') throw new FirstFiveError('GROUP_IN_USE', 'taken');
        const member = await log.join(options);
        const leave = async () => {
          left.push(options.groupId);
          await member.leave();
        };
        return { ...member, leave };
      },
    });
    const started = startPipeline({ topology: two(), log: joining, slot: '0', handlerOf });
    await expect(started).rejects.toMatchObject({ code: 'GROUP_IN_USE' });
    expect(left).toEqual(['first']);
  });

  it('keeps an older revision that comes back from a retry topic out of the last output of a stage that does not score', async () => {
    const tier = { topic: `${INPUT}.retry.200ms`, delayMs: 200 };
    const spec = stageSpec({
      ...{ name: 'first', steps: ['embed'], outputs: { embed: 'middle' }, commit: COMMIT },
      ...{ retryTiers: [tier], retry: { maxAttempts: 1, initialBackoffMs: 1, maxBackoffMs: 1 } },
    });
    const topology = topologyOf([spec]);
    const log = new MemoryLog(systemClock);
    let settled: string[] = [];
    const emitting = echoHandler();
    const handler: RecordHandler = {
      handle: async (record, context) => {
        const { order } = await emitting.handle(record, context);
        if (order?.revision === 1 && context.attempt === 1)
          throw new FirstFiveError('MEDIA_CHANGED', 'for the test');
        const { key, value } = record;
        const headers: [string, Uint8Array][] = [['ff-revision', Buffer.from(String(order?.revision))]];
        return {
          outputs: [{ topic: 'middle', timestamp: 1, key, value, headers }],
          ...(order === undefined ? {} : { order: { ...order, tier: 0 } }),
        };
      },
      rejected: () => undefined,
    };
    const start = () =>
      startPipeline({
        ...{ topology, log, slot: '0', handlerOf: () => handler },
        onSettled: (_, { outcome }) => settled.push(outcome),
      });
    const first = await start();
    await log.append([upload('a', 1), upload('a', 2)]);
    await until('both are settled', () => settled.length === 2);
    await first.stop(1_000);
    expect(settled).toEqual(['retried', 'emitted']);
    settled = [];
    const second = await start();
    await until('what waited has had its turn', () => settled.length === 1);
    await second.stop(1_000);
    expect(settled).toEqual(['superseded']);
    expect(emitted(log, 'middle')).toEqual(['{"id":"a","revision":2}']);
  });

  it('sets a result aside that its topic would not take, and goes on with the others', async () => {
    const log = new MemoryLog(systemClock);
    const topology = one();
    const topics = topology.topics.map((topic) =>
      topic.name === OUTPUT ? { ...topic, maxRecordBytes: 200 } : topic,
    );
    const emitting = echoHandler();
    const handler: RecordHandler = {
      handle: async (record, context) => {
        const { outputs, order } = await emitting.handle(record, context);
        const large = order?.id === 'large' ? { value: new Uint8Array(1_000) } : {};
        return { outputs: outputs.map((output) => ({ ...output, ...large })), ...(order && { order }) };
      },
      rejected: () => undefined,
    };
    const pipeline = await startPipeline({
      topology: { ...topology, topics },
      ...{ log, slot: '0', handlerOf: () => handler },
    });
    await log.append([upload('large'), upload('a')]);
    await until('the other one is out', () => emitted(log).length === 1);
    await until('it is set aside', () => emitted(log, LETTERS).length === 1);
    expect((await pipeline.health()).status).toBe('healthy');
    await pipeline.stop(1_000);
  });

  it('knows at its next start what it had emitted, from the log alone', async () => {
    const log = new MemoryLog(systemClock);
    for (const [revision, wanted] of [
      [4, ['a@4/1']],
      [2, ['a@4/1']],
      [5, ['a@4/1', 'a@5/1']],
    ] as const) {
      let settled = 0;
      const pipeline = await startPipeline({
        ...{ topology: one(), log, slot: '0', handlerOf },
        onSettled: () => {
          settled += 1;
        },
      });
      await log.append([upload('a', revision)]);
      await until('it is settled', () => settled === 1);
      await pipeline.stop(1_000);
      expect(emitted(log, OUTPUT)).toEqual(wanted);
    }
    expect(emitted(log, LETTERS)).toEqual([]);
    expect(log.records(INPUT).flat()).toHaveLength(3);
  });
});
