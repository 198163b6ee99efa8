/**
 * A backfill on a real broker: a range between the markers of many small transactions, a process that is killed in the middle,
 * an end that lies behind the last record, and the hand-over of what it made. Nothing is lost, doubled or miscounted, and the
 * run ends by itself.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts';
import { kafkaClientDir } from '../../src/cli/kafka/set-up.ts';
import { type BackfillPlan, parsePlan, planText } from '../../src/core/backfill-plan.ts';
import { countsOf } from '../../src/core/backfill-state.ts';
import type { StreamRecord } from '../../src/core/record.ts';
import { ControlTopic } from '../../src/runtime/backfill/control-topic.ts';
import { publishRows } from '../../src/runtime/backfill/publish-rows.ts';
import { type OffsetRange, readRange, wholeTopic } from '../../src/runtime/backfill/read-range.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { planOf, RUN_OUTPUT } from '../runtime/backfill/fixtures.ts';
import { INPUT, LETTERS, OUTPUT, text, upload } from '../runtime/fixtures.ts';
import { resultOf } from '../support/cli-process.ts';
import { BROKER_HOOK_MS, packageRoot, startTestBroker, type TestBroker } from '../support/kafka/broker.ts';
import { whyNoKafka } from '../support/kafka/prerequisites.ts';
import { until } from '../support/until.ts';
import type { BackfillWorkerSettings } from './kafka/backfill-worker.ts';

const PARTITIONS = 4;
const TRANSACTIONS = 40;
const RECORDS_EACH = 20;
const PUBLISH = 'scores.publish';
const WORKER = fileURLToPath(new URL('./kafka/backfill-worker.ts', import.meta.url));

const without = await whyNoKafka();
let broker: TestBroker | undefined;
beforeAll(async () => {
  if (without === undefined) broker = await startTestBroker();
}, BROKER_HOOK_MS);
afterAll(() => broker?.stop());

function startWorker(settings: BackfillWorkerSettings) {
  const args = ['--disable-warning=ExperimentalWarning', WORKER, JSON.stringify(settings)];
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
  });
  return { child, ended: resultOf(child) };
}

/** Appends in small transactions of a group, so that markers lie between the records and behind the last one. */
async function fill(log: KafkaLog, transactions: number, first: number): Promise<void> {
  const listener = { onAssigned: async () => {}, onRevoked: async () => {} };
  const member = await log.join({ groupId: `fill-${first}`, topics: [LETTERS], slot: '0', listener });
  for (let i = 0; i < transactions; i++) {
    const ids = Array.from({ length: RECORDS_EACH }, (_, j) => `u${first + i * RECORDS_EACH + j}`);
    await member.commit({ outputs: ids.map((id) => upload(id)), offsets: [] });
  }
  await member.leave();
}

async function valuesOf(log: KafkaLog, topic: string, ranges?: readonly OffsetRange[]): Promise<string[]> {
  const found: StreamRecord[] = [];
  for await (const record of readRange(log, topic, ranges ?? (await wholeTopic(log, topic))))
    found.push(record);
  return found.map(({ value }) => text(value)).sort();
}

/** All but the first quarter of each partition; of the last partition only the marker at its end. */
async function partialPlan(log: KafkaLog): Promise<BackfillPlan> {
  const whole = await planOf(log);
  const partitions = whole.partitions.map(({ partition, end }) => {
    const start = partition === PARTITIONS - 1 ? end - 1n : end / 4n;
    return { partition, start, end, selected: 0 };
  });
  return parsePlan(planText({ ...whole, partitions }));
}

describe.skipIf(without !== undefined)('a backfill on Kafka', () => {
  it(
    'does each record of its range once, through a kill, and ends behind the last marker',
    async () => {
      if (broker === undefined) return expect.unreachable();
      const log = await broker.open();
      const topic = (name: string) =>
        ({ name, partitions: PARTITIONS, cleanup: 'delete', retentionMs: null }) as const;
      await log.admin.ensureTopics([INPUT, OUTPUT, LETTERS, PUBLISH].map(topic));
      await fill(log, TRANSACTIONS, 0);
      const plan = await partialPlan(log);
      const inputs = await valuesOf(log, INPUT, plan.partitions);
      expect(inputs.length).toBeGreaterThan(200);
      await fill(log, 5, 10_000);

      const settings = {
        brokers: broker.brokers,
        clientDir: kafkaClientDir(packageRoot),
        plan: planText(plan),
      };
      const control = new ControlTopic(log, '');
      await control.ensure();
      await control.write(plan.run, 'plan', planText(plan), Date.now());
      const done = async () => {
        const state = (await control.read()).get(plan.run);
        return state === undefined ? 0 : countsOf(state).scored;
      };
      const first = startWorker({ ...settings, rate: 60 });
      await until('some records are done', async () => (await done()) >= 60, {
        timeoutMs: 120_000,
        everyMs: 300,
      });
      first.child.kill('SIGKILL');
      await first.ended;
      const before = await done();
      expect(before).toBeLessThan(inputs.length);

      const second = startWorker(settings);
      const { status, stdout, stderr } = await second.ended;
      expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: 'finished\n' });
      const expected = inputs.map((value) => `${(JSON.parse(value) as { id: string }).id}@0/1`).sort();
      expect(await valuesOf(log, RUN_OUTPUT)).toEqual(expected);
      expect(await done()).toBe(inputs.length);
      process.stderr.write(`kafka backfill: ${inputs.length} records, killed after ${before}\n`);

      const publish = () =>
        publishRows({ log, plan, topic: PUBLISH, clock: systemClock, signal: new AbortController().signal });
      expect(await publish()).toBe(inputs.length);
      expect(await publish()).toBe(0);
      expect(await valuesOf(log, PUBLISH)).toEqual(expected);
      expect(await valuesOf(log, OUTPUT)).toEqual([]);
      await log.close();
    },
    BROKER_HOOK_MS,
  );
});
