import { describe, expect, it, vi } from 'vitest';
import { FirstFiveError } from '../../src/core/errors.ts';
import { headerText } from '../../src/core/record.ts';
import { exerciseTopology } from '../../src/testing/exercise.ts';
import { NO_FAULTS } from '../../src/testing/fault-rates.ts';
import { syntheticHandler, syntheticRecord } from '../../src/testing/synthetic-handler.ts';
import { TopologyDriver } from '../../src/testing/topology-driver.ts';
import { EXTRACTED, fused, INPUT, LETTERS, RANKING, retrying, staged } from './shapes.ts';

vi.setConfig({ testTimeout: 180_000 });

const handlerOf = syntheticHandler;
const scored = (id: string, revision = 0) => syntheticRecord({ id, revision, fate: 'scored' });
const bytes = (of: string) => new TextEncoder().encode(of);
const text = (of: Uint8Array | null) => new TextDecoder().decode(of ?? undefined);
const keys = (records: readonly { readonly key: Uint8Array | null }[]) => records.map(({ key }) => text(key));

describe('TopologyDriver', () => {
  it('takes records through every stage and commits their offsets', async () => {
    const driver = new TopologyDriver({ topology: staged, handlerOf });
    driver.pipe(INPUT, [scored('a'), scored('b'), scored('c')]);
    await driver.settle();
    expect(keys(driver.records(RANKING)).sort()).toEqual(['a', 'b', 'c']);
    const committed = await driver.committedOffsets('score');
    expect(committed.reduce((sum, { offset }) => sum + offset, 0n)).toBe(3n);
    expect(driver.lag('score')).toBe(0);
    expect(driver.problems()).toEqual([]);
    expect(driver.journal).toEqual([]);
  });

  it('reads what came to a topic since the last look', async () => {
    const driver = new TopologyDriver({ topology: fused, handlerOf });
    driver.pipe(INPUT, [scored('a')]);
    await driver.settle();
    expect(keys(driver.read(RANKING))).toEqual(['a']);
    driver.pipe(INPUT, [scored('b')]);
    await driver.settle();
    expect(keys(driver.read(RANKING))).toEqual(['b']);
    expect(driver.read(RANKING)).toEqual([]);
  });

  it('keeps dead letters with where they came from', async () => {
    const driver = new TopologyDriver({ topology: fused, handlerOf });
    driver.pipe(INPUT, [syntheticRecord({ id: 'bad', revision: 0, fate: 'corrupt' }), scored('good')]);
    await driver.settle();
    expect(driver.deadLetters()).toMatchObject([
      { code: 'MEDIA_CORRUPT', attempts: 1, origin: { topic: INPUT } },
    ]);
    expect(driver.records(LETTERS)).toHaveLength(1);
    expect(keys(driver.records(RANKING)).sort()).toEqual(['bad', 'good']);
  });

  it('waits out retry topics in virtual time', async () => {
    const driver = new TopologyDriver({ topology: retrying, handlerOf });
    const startedAt = driver.clock.now();
    driver.pipe(INPUT, [syntheticRecord({ id: 'a', revision: 0, fate: 'changed' })]);
    await driver.advance(5_000);
    expect(driver.records('uploads.retry.10s')).toHaveLength(1);
    expect(driver.deadLetters()).toEqual([]);
    expect(driver.lag('all')).toBe(1);
    await driver.settle();
    expect(driver.clock.now() - startedAt).toBeGreaterThan(50_000);
    expect(driver.deadLetters()).toMatchObject([{ code: 'MEDIA_CHANGED', origin: { topic: INPUT } }]);
  });

  it('runs side inputs: a score handed over goes out unless something newer has', async () => {
    const publish = 'publish';
    const topology = {
      ...fused,
      topics: [
        ...fused.topics,
        { name: publish, partitions: 4, cleanup: 'delete' as const, retentionMs: null },
      ],
      stages: fused.stages.map((stage) => ({ ...stage, publish })),
    };
    const driver = new TopologyDriver({ topology, handlerOf, workers: 3 });
    driver.pipe(INPUT, [scored('a', 5), scored('b', 5)]);
    await driver.settle();
    const handedOver = (id: string, revision: string) => ({
      key: bytes(id),
      value: bytes('from a backfill'),
      headers: [
        ['ff-revision', bytes(revision)],
        ['ff-tier', bytes('1')],
      ] as const,
    });
    driver.read(RANKING);
    driver.pipe(publish, [handedOver('a', '4'), handedOver('b', '6')]);
    await driver.settle();
    expect(driver.read(RANKING).map(({ key, value }) => [text(key), text(value)])).toEqual([
      ['b', 'from a backfill'],
    ]);
  });

  it('gives the partitions of a crashed worker to the others after the session time-out', async () => {
    const driver = new TopologyDriver({ topology: fused, handlerOf, workers: 2, sessionTimeoutMs: 6_000 });
    await driver.advance(1_000);
    await driver.stop('1');
    driver.start('1');
    await driver.advance(1_000);
    driver.crash('1');
    driver.pipe(
      INPUT,
      Array.from({ length: 20 }, (_, i) => scored(`u${i}`)),
    );
    await driver.advance(3_000);
    expect(driver.lag('all')).toBeGreaterThan(0);
    await driver.settle();
    expect(driver.records(RANKING)).toHaveLength(20);
    expect(driver.problems()).toEqual([]);
    expect(driver.journal.join('\n')).toMatch(/worker 1 crashed/);
  });

  it('fences a worker that stood still for longer than its session', async () => {
    const driver = new TopologyDriver({ topology: fused, handlerOf, workers: 2, maxWorkMs: 3_000 });
    driver.pipe(
      INPUT,
      Array.from({ length: 20 }, (_, i) => scored(`u${i}`)),
    );
    await driver.advance(2_000);
    driver.freeze('0', 30_000);
    await driver.settle();
    await driver.advance(60_000);
    expect(driver.journal.join('\n')).toMatch(/worker 0 ended by LOG_FENCED/);
    expect(driver.records(RANKING)).toHaveLength(20);
    expect(driver.problems()).toEqual([]);
  });

  it('says through health what a stage is stuck on', async () => {
    const driver = new TopologyDriver({
      topology: fused,
      handlerOf: (stage, clock) => ({
        ...syntheticHandler(stage, clock),
        handle: async () => {
          throw new FirstFiveError('STORE_UNAVAILABLE', 'the store is away');
        },
      }),
    });
    driver.pipe(INPUT, [scored('a')]);
    await driver.advance(10_000);
    expect(driver.health()).toMatchObject({ status: 'unhealthy' });
    expect(driver.health().reasons.join()).toContain('STORE_UNAVAILABLE');
    await expect(driver.settle(60_000)).rejects.toThrow(/seed 1: not settled after 60000 ms; lag: all 1/);
  });

  it('reports what a handler doubles', async () => {
    const driver = new TopologyDriver({
      topology: staged,
      handlerOf: (stage, clock) => {
        const handler = syntheticHandler(stage, clock);
        return {
          ...handler,
          handle: async (record, context) => {
            const result = await handler.handle(record, context);
            return stage.name === 'extract'
              ? { ...result, outputs: [...result.outputs, ...result.outputs] }
              : result;
          },
        };
      },
    });
    driver.pipe(INPUT, [scored('a')]);
    await driver.settle();
    expect(driver.problems().join()).toContain(`was doubled: 2 times in ${EXTRACTED}`);
  });

  it('names the upload event behind every output, however many stages lie between', async () => {
    const driver = new TopologyDriver({ topology: staged, handlerOf });
    const [at] = driver.pipe(INPUT, [scored('a')]);
    await driver.settle();
    const [score] = driver.records(RANKING);
    expect(headerText(score?.headers ?? [], 'ff-source')).toBe(`${INPUT}/${at?.partition}/${at?.offset}`);
  });
});

describe('exerciseTopology', () => {
  it('puts in duplicates, older revisions and rejections, and finds nothing wrong without faults', async () => {
    const report = await exerciseTopology({ topology: fused, seed: 5, faults: NO_FAULTS });
    expect(report).toMatchObject({ uploads: 60, incidents: 0, problems: [] });
    expect(report.deadLettered).toBeGreaterThan(0);
    expect(report.emitted).toBeLessThan(60);
  });
});
