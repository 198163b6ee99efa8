/**
 * Chaos on a real broker: workers are killed, stopped and continued, join and leave, and the broker restarts, while inputs
 * keep coming. A `read_committed` reader must see each input's output exactly once, in order per key, and every worker that
 * is asked to stop must end. Five rounds, each fault at least once; thirty with FIRSTFIVE_TEST_LONG. Repeat a run with
 * FIRSTFIVE_CHAOS_SEED.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts';
import type { KafkaLogOptions } from '../../src/adapters/log-kafka/options.ts';
import { kafkaClientDir } from '../../src/cli/kafka/set-up.ts';
import { seededRandom } from '../../src/core/random.ts';
import { BROKER_HOOK_MS, packageRoot, startTestBroker, type TestBroker } from '../support/kafka/broker.ts';
import { Fleet } from './kafka/fleet.ts';
import { judge, untilConsumed } from './kafka/verdict.ts';

const PARTITIONS = 6;
const KEYS = 60;
const SESSION_MS = 2_000;
const rounds = process.env.FIRSTFIVE_TEST_LONG === '1' ? 30 : 5;
const seed = Number(process.env.FIRSTFIVE_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));

const FAULTS = ['kill', 'zombie', 'come and go', 'broker restart', 'broker crash'] as const;
type Fault = (typeof FAULTS)[number];

let broker: TestBroker;
beforeAll(async () => {
  broker = await startTestBroker({
    extra: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000' },
  });
}, BROKER_HOOK_MS);
afterAll(() => broker?.stop());

let fleet: Fleet | undefined;
afterEach(() => fleet?.killAll());

describe.each([
  ['classic protocol, static members', {}],
  ['KIP-848, dynamic members', { groupProtocol: 'consumer' }],
] as [string, Partial<KafkaLogOptions>][])('the stage runner on Kafka (%s)', (name, options) => {
  it(
    `loses and doubles nothing through ${rounds} rounds of faults (seed ${seed})`,
    async () => {
      const random = seededRandom(seed);
      const id = name.startsWith('classic') ? 'classic' : 'kip848';
      const log = await broker.open();
      const topics = { input: `chaos.${id}.in`, output: `chaos.${id}.out` };
      await log.admin.ensureTopics(
        Object.values(topics).map((topic) => ({
          name: topic,
          partitions: PARTITIONS,
          cleanup: 'delete',
          retentionMs: null,
        })),
      );
      fleet = new Fleet(
        {
          ...topics,
          brokers: broker.brokers,
          clientDir: kafkaClientDir(packageRoot),
          groupId: `chaos-${id}`,
          log: { sessionTimeoutMs: SESSION_MS, transactionTimeoutMs: 10_000, ...options },
        },
        seed,
      );
      await Promise.all([fleet.start('a'), fleet.start('b')]);
      const feed = new Feed(log, topics.input);
      for (let round = 0; round < rounds; round++) {
        const fault = round < FAULTS.length ? FAULTS[round] : FAULTS[Math.floor(random() * FAULTS.length)];
        const feeding = feed.run(400);
        await delay(random() * 800);
        const caughtUp = () => untilConsumed(log, `chaos-${id}`, new Map(feed.ends), 60_000);
        await strike(fault ?? 'kill', { fleet, broker, random, caughtUp });
        await feeding;
      }
      await untilConsumed(log, `chaos-${id}`, feed.ends, 120_000);
      await fleet.stopAll();
      const verdict = await judge(log, topics.output, feed.sent);
      const ends = fleet.ends.map((end) => `${end.slot} ${end.code ?? end.signal} ${end.said.trim()}`);
      process.stderr.write(`${name}, seed ${seed}: ${verdict.inputs} inputs; ends: ${ends.join(' | ')}\n`);
      expect({ ...verdict, seed }).toEqual({
        inputs: feed.sent.size,
        lost: [],
        doubled: [],
        disordered: [],
        seed,
      });
      expect(fleet.ends.filter((end) => end.code === 3)).toEqual([]);
      await log.close();
    },
    rounds * 90_000 + 240_000,
  );
});

it('ends the process whose slot another one takes, and names the slot', async () => {
  const log = await broker.open();
  const topics = { input: 'fence.in', output: 'fence.out' };
  await log.admin.ensureTopics(
    Object.values(topics).map((name) => ({ name, partitions: 2, cleanup: 'delete', retentionMs: null })),
  );
  const common = {
    ...topics,
    brokers: broker.brokers,
    clientDir: kafkaClientDir(packageRoot),
    groupId: 'fence',
    log: { sessionTimeoutMs: SESSION_MS },
  };
  const [first, second] = [new Fleet(common, seed), new Fleet(common, seed + 1)];
  try {
    await first.start('a');
    const feed = new Feed(log, topics.input);
    await feed.run(100);
    first.forsake('a');
    await second.start('a');
    await feed.run(200);
    await first.ended('a');
    expect(first.ends).toMatchObject([
      { slot: 'a', code: 1, said: expect.stringContaining('LOG_FENCED fence.a') },
    ]);
    await untilConsumed(log, 'fence', feed.ends, 60_000);
    await second.stopAll();
    expect(await judge(log, topics.output, feed.sent)).toMatchObject({
      lost: [],
      doubled: [],
      disordered: [],
    });
  } finally {
    first.killAll();
    second.killAll();
    await log.close();
  }
}, 120_000);

interface Target {
  readonly fleet: Fleet;
  readonly broker: TestBroker;
  readonly random: () => number;
  /** Resolves when the group has committed what was put in so far. */
  readonly caughtUp: () => Promise<void>;
}

async function strike(fault: Fault, { fleet, broker, random, caughtUp }: Target): Promise<void> {
  const slot = random() < 0.5 ? 'a' : 'b';
  switch (fault) {
    case 'kill':
      fleet.signal(slot, 'SIGKILL');
      return fleet.ended(slot);
    case 'zombie':
      fleet.signal(slot, 'SIGSTOP');
      await delay(random() * 500);
      // All partitions move to the other worker, which goes on where the stopped one's last commit ended.
      await caughtUp();
      return fleet.signal(slot, 'SIGCONT');
    case 'come and go':
      await fleet.start('c');
      await delay(random() * 1_000);
      return fleet.stop('c');
    case 'broker restart':
    case 'broker crash':
      await broker.cluster.stopNode(1, fault === 'broker crash' ? 'SIGKILL' : 'SIGTERM');
      await delay(random() * 2_000);
      return broker.cluster.startNode(1);
  }
}

/** Appends inputs and remembers what was acknowledged. An append whose outcome is not known is made again with new values. */
class Feed {
  readonly sent = new Set<string>();
  readonly ends = new Map<number, bigint>();
  readonly #log: KafkaLog;
  readonly #topic: string;
  #sequence = 0;

  constructor(log: KafkaLog, topic: string) {
    this.#log = log;
    this.#topic = topic;
  }

  async run(count: number): Promise<void> {
    for (let sent = 0; sent < count; ) {
      const values = Array.from({ length: 20 }, () => {
        const sequence = this.#sequence++;
        return `k${sequence % KEYS}:${sequence}`;
      });
      try {
        const landed = await this.#log.append(values.map((value) => this.#record(value)));
        for (const value of values) this.sent.add(value);
        for (const at of landed) this.ends.set(at.partition, at.offset + 1n);
        sent += values.length;
      } catch {
        await delay(200);
      }
      await delay(40);
    }
  }

  #record(value: string) {
    const bytes = new TextEncoder();
    const key = bytes.encode(value.split(':')[0]);
    return { topic: this.#topic, timestamp: 1, key, value: bytes.encode(value), headers: [] };
  }
}
