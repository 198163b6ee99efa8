/**
 * What a stage does when the brokers are away for longer than its session, when another process takes its slot, and without transactions.
 * The workers run under a supervisor that starts again what failed, as in production.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { KafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts';
import type { KafkaLogOptions } from '../../src/adapters/log-kafka/options.ts';
import { kafkaClientDir } from '../../src/cli/kafka/set-up.ts';
import { seededRandom } from '../../src/core/random.ts';
import { BROKER_HOOK_MS, packageRoot, startChaosBroker, type TestBroker } from '../support/kafka/broker.ts';
import { whyNoKafka } from '../support/kafka/prerequisites.ts';
import { SESSION_MS } from './kafka/chaos-run.ts';
import { Feed } from './kafka/feed.ts';
import { Fleet } from './kafka/fleet.ts';
import { committedValues, judge, untilConsumed } from './kafka/verdict.ts';

const seed = Number(process.env.FIRSTFIVE_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const TEST_MS = 300_000;
const NOTHING_WRONG = { lost: [], doubled: [], disordered: [] };

const without = await whyNoKafka();
let broker: TestBroker;
beforeAll(async () => {
  if (without === undefined) broker = await startChaosBroker({ nodes: 1 });
}, BROKER_HOOK_MS);
afterAll(() => broker?.stop());

const fleets: Fleet[] = [];
afterEach(() => {
  for (const fleet of fleets.splice(0)) fleet.killAll();
});

interface Scene {
  readonly log: KafkaLog;
  readonly feed: Feed;
  readonly groupId: string;
  readonly output: string;
  readonly deadLetters: string;
  fleet(slots: readonly string[]): Fleet;
}

async function scene(name: string, options: Partial<KafkaLogOptions> = {}): Promise<Scene> {
  const log = await broker.open();
  const topics = { input: `${name}.in`, output: `${name}.out`, deadLetters: `${name}.dead-letter` };
  await log.admin.ensureTopics(
    Object.values(topics).map((topic) => ({
      name: topic,
      partitions: 3,
      cleanup: 'delete',
      retentionMs: null,
    })),
  );
  const common = {
    ...topics,
    groupId: name,
    brokers: broker.brokers,
    clientDir: kafkaClientDir(packageRoot),
    log: { sessionTimeoutMs: SESSION_MS, transactionTimeoutMs: 10_000, ...options },
  };
  const fleet = (slots: readonly string[]) => {
    const made = new Fleet(common, seed, slots);
    fleets.push(made);
    return made;
  };
  return { log, groupId: name, ...topics, feed: new Feed(log, topics.input), fleet };
}

it.skipIf(without !== undefined).each([
  ['classic', {}],
  ['kip848', { groupProtocol: 'consumer' }],
] as [string, Partial<KafkaLogOptions>][])(
  'an outage longer than the session costs no record an attempt and no dead letter (%s)',
  async (name, options) => {
    const { log, feed, groupId, output, deadLetters, fleet } = await scene(`outage-${name}`, options);
    const workers = fleet(['a', 'b']);
    await Promise.all([workers.start('a'), workers.start('b')]);
    const feeding = feed.run(300);
    await delay(400);
    await broker.cluster.stopNode(1, 'SIGTERM');
    await delay(4 * SESSION_MS);
    await broker.cluster.startNode(1);
    await feeding;
    await untilConsumed(log, groupId, feed.ends, 120_000);
    await workers.stopAll();
    expect(await judge(log, output, feed.sent)).toMatchObject(NOTHING_WRONG);
    expect(await committedValues(log, deadLetters)).toEqual([]);
    const said = workers.ends.map((end) => `${end.slot} ${end.code} ${end.said.trim().slice(0, 120)}`);
    process.stderr.write(`outage-${name}: ends: ${said.join(' | ')}\n`);
    await log.close();
  },
  TEST_MS,
);

it.skipIf(without !== undefined)(
  'the process whose slot another one takes ends and names the slot',
  async () => {
    const { log, feed, groupId, output, fleet } = await scene('fence');
    const [first, second] = [fleet(['a']), fleet(['a'])];
    await first.start('a');
    await feed.run(100);
    first.forsake('a');
    await second.start('a');
    await feed.run(200);
    await first.ended('a');
    expect(first.ends).toMatchObject([
      { slot: 'a', code: 1, said: expect.stringContaining('LOG_FENCED fence.a') },
    ]);
    await untilConsumed(log, groupId, feed.ends, 120_000);
    await second.stopAll();
    expect(await judge(log, output, feed.sent)).toMatchObject(NOTHING_WRONG);
    await log.close();
  },
  TEST_MS,
);

it.skipIf(without !== undefined)(
  `at-least-once loses nothing when workers are killed (seed ${seed})`,
  async () => {
    const { log, feed, groupId, output, fleet } = await scene('repeating', { delivery: 'at-least-once' });
    const random = seededRandom(seed);
    const workers = fleet(['a', 'b']);
    await Promise.all([workers.start('a'), workers.start('b')]);
    for (const slot of ['a', 'b', 'a']) {
      const feeding = feed.run(200);
      await delay(random() * 500);
      workers.signal(slot, 'SIGKILL');
      await workers.ended(slot);
      await feeding;
    }
    await untilConsumed(log, groupId, feed.ends, 120_000);
    await workers.stopAll();
    const { lost, doubled, inputs } = await judge(log, output, feed.sent);
    process.stderr.write(
      `at-least-once, seed ${seed}: ${inputs} inputs, ${doubled.length} of them repeated\n`,
    );
    expect(lost).toEqual([]);
    await log.close();
  },
  TEST_MS,
);
