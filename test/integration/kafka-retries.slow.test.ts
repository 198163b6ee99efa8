/**
 * Retry topics and the publish topic on a real broker: two members share the group, one of them goes and another comes while
 * records wait. Each record ends once, in the right place, whoever works on it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaLogOptions } from '../../src/adapters/log-kafka/options.ts';
import { type Pipeline, startPipeline } from '../../src/cli/compose/pipeline.ts';
import { readToEnd } from '../../src/cli/read-to-end.ts';
import { parseDeadLetter } from '../../src/core/dead-letter.ts';
import { FirstFiveError } from '../../src/core/errors.ts';
import type { OutputRecord, StreamRecord } from '../../src/core/record.ts';
import type { RecordHandler } from '../../src/runtime/handler.ts';
import type { Log } from '../../src/runtime/log.ts';
import { inputTopics } from '../../src/runtime/side-inputs.ts';
import type { StageSpec, Topology } from '../../src/runtime/topology.ts';
import { BROKER_HOOK_MS, startTestBroker, type TestBroker } from '../support/kafka/broker.ts';
import { whyNoKafka } from '../support/kafka/prerequisites.ts';
import { until } from '../support/until.ts';

const RECORDS = 240;
const PARTITIONS = 4;
const MOMENT = { timeoutMs: 120_000, everyMs: 500 };

let broker: TestBroker;
const without = await whyNoKafka();
beforeAll(async () => {
  if (without === undefined) broker = await startTestBroker();
}, BROKER_HOOK_MS);
afterAll(() => broker?.stop());

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | null) => new TextDecoder().decode(value ?? undefined);

function specOf(name: string): StageSpec {
  return {
    name: 'retrying',
    steps: ['score'],
    groupId: `${name}.group`,
    input: `${name}.in`,
    outputs: { score: `${name}.out` },
    deadLetters: `${name}.bad`,
    retryTiers: [
      { topic: `${name}.in.retry.2s`, delayMs: 2_000 },
      { topic: `${name}.in.retry.4s`, delayMs: 4_000 },
    ],
    publish: `${name}.publish`,
    intake: { concurrency: 16, maxInFlight: 64, maxInFlightBytes: 4_000_000 },
    commit: { intervalMs: 50, maxRecords: 100 },
    retry: { maxAttempts: 2, initialBackoffMs: 10, maxBackoffMs: 20 },
    watchdog: { attemptDeadlineMs: 5_000, commitDeadlineMs: 5_000 },
  };
}

function topologyOf(stage: StageSpec): Topology {
  const names = [...inputTopics(stage), stage.deadLetters, ...Object.values(stage.outputs)];
  const topics = names.map(
    (name) => ({ name, partitions: PARTITIONS, cleanup: 'delete', retentionMs: null }) as const,
  );
  return {
    name: 'retries',
    bundle: 'none',
    delivery: 'exactly-once',
    topics,
    stages: [stage],
    decoders: 1,
    inference: {},
  };
}

/** `N:R` fails N times and then goes out as revision R; two attempts in place and one in each of two tiers make four. */
const handlerOf = (stage: StageSpec): RecordHandler => ({
  handle: async ({ key, value, timestamp }, { attempt }) => {
    const [failures, revision] = text(value).split(':').map(Number);
    if (attempt <= (failures ?? 0)) throw new FirstFiveError('MEDIA_CHANGED', 'for the test');
    const headers = [
      ['ff-revision', bytes(String(revision))],
      ['ff-tier', bytes('1')],
    ] as const;
    const outputs = [{ topic: stage.outputs.score ?? '', timestamp, key, value, headers }];
    return { outputs, order: { id: text(key), revision: revision ?? 0, tier: 1 } };
  },
  rejected: () => undefined,
});

const input = (topic: string, key: string, failures: number, revision = 0): OutputRecord => ({
  topic,
  timestamp: Date.now(),
  key: bytes(key),
  value: bytes(`${failures}:${revision}`),
  headers: [['own', bytes(key)]],
});

async function all(log: Log, topic: string): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  for await (const record of readToEnd(log, topic)) records.push(record);
  return records;
}

interface Members {
  readonly start: (slot: string) => Promise<void>;
  readonly stop: (slot: string) => Promise<void>;
  readonly stopAll: () => Promise<void>;
  readonly pipelines: ReadonlyMap<string, Pipeline>;
  readonly failures: unknown[];
}

/** Members of the group, each with clients of its own. */
function membersOf(topology: Topology, options: Partial<KafkaLogOptions>): Members {
  const pipelines = new Map<string, Pipeline>();
  const logs = new Map<string, Log>();
  const failures: unknown[] = [];
  const stop = async (slot: string) => {
    await pipelines.get(slot)?.stop(5_000);
    await logs.get(slot)?.close();
    pipelines.delete(slot);
    logs.delete(slot);
  };
  const start = async (slot: string) => {
    const log = await broker.open({ ...options, sessionTimeoutMs: 8_000 });
    logs.set(slot, log);
    const pipeline = await startPipeline({ topology, log, slot, handlerOf });
    pipelines.set(slot, pipeline);
    void pipeline.ended().then((failure) => failure !== undefined && failures.push(failure));
  };
  return {
    ...{ start, stop, pipelines, failures },
    stopAll: async () => {
      for (const slot of [...pipelines.keys()]) await stop(slot);
    },
  };
}

describe.skipIf(without !== undefined).each(['classic', 'consumer'] as const)(
  'retry topics on Kafka, %s groups',
  (groupProtocol) => {
    it('end every record once, with members that come and go while records wait', async () => {
      const stage = specOf(groupProtocol);
      const topology = topologyOf(stage);
      const log = await broker.open();
      const members = membersOf(topology, { groupProtocol });
      try {
        await members.start('a');
        await members.start('b');
        const failures = (i: number) => i % 6;
        await log.append(Array.from({ length: RECORDS }, (_, i) => input(stage.input, `k${i}`, failures(i))));
        const out = stage.outputs.score ?? '';
        await until(
          'those that are well are out',
          async () => (await all(log, out)).length >= RECORDS / 3,
          MOMENT,
        );
        await members.stop('b');
        await members.start('c');
        const finished = async () =>
          (await all(log, out)).length + (await all(log, stage.deadLetters)).length;
        await until('every record has ended', async () => (await finished()) >= RECORDS, MOMENT);
        expect(members.failures).toEqual([]);
        const scored = (await all(log, out)).map(({ key }) => text(key));
        const letters = (await all(log, stage.deadLetters)).map(parseDeadLetter);
        expect(scored.length).toBe((RECORDS * 4) / 6);
        expect(new Set(scored).size).toBe(scored.length);
        expect(letters).toHaveLength((RECORDS * 2) / 6);
        const originals = new Map((await all(log, stage.input)).map((one) => [text(one.key), one]));
        for (const letter of letters) {
          expect(letter).toMatchObject({ code: 'MEDIA_CHANGED', attempts: 4 });
          expect(letter?.origin).toEqual(originals.get(text(letter?.origin.key ?? null)));
          expect((letter?.lastFailureAt ?? 0) - (letter?.firstFailureAt ?? 0)).toBeGreaterThanOrEqual(6_000);
        }
      } finally {
        await members.stopAll();
        await log.close();
      }
    }, 300_000);

    it('let newer revisions pass, publish what is not older, and are healthy while they only wait', async () => {
      const stage = specOf(`${groupProtocol}.order`);
      const log = await broker.open();
      const members = membersOf(topologyOf(stage), { groupProtocol });
      const out = stage.outputs.score ?? '';
      const outputs = async () =>
        (await all(log, out)).map(({ key, value }) => `${text(key)} ${text(value)}`);
      try {
        await members.start('a');
        await log.append([input(stage.input, 'late', 3, 1), input(stage.input, 'late', 0, 2)]);
        await until('the newer one is out', async () => (await outputs()).length === 1, MOMENT);
        const again = (revision: number): OutputRecord => ({
          ...input(stage.publish ?? '', 'late', 0, revision),
          headers: [
            ['ff-revision', bytes(String(revision))],
            ['ff-tier', bytes('1')],
          ],
        });
        await log.append([again(1), again(2)]);
        await until('the equal one is published', async () => (await outputs()).length === 2, MOMENT);
        // Longer than the deadline without a commit: nothing is left to do.
        for (let second = 0; second < 12; second++) {
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          expect((await members.pipelines.get('a')?.health())?.reasons).toEqual([]);
        }
        expect(await outputs()).toEqual(['late 0:2', 'late 0:2']);
        expect(await members.pipelines.get('a')?.health()).toMatchObject({ status: 'healthy', reasons: [] });
        const committed = await log.admin.committedOffsets(stage.groupId);
        const first = stage.retryTiers?.[0]?.topic;
        expect(committed.filter(({ topic, offset }) => topic === first && offset > 0n)).toHaveLength(1);
      } finally {
        await members.stopAll();
        await log.close();
      }
    }, 300_000);
  },
);
