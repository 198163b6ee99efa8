/** Rounds of faults against workers that pass records on, and what a reader of committed records sees afterwards. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts';
import type { KafkaLogOptions } from '../../../src/adapters/log-kafka/options.ts';
import { kafkaClientDir } from '../../../src/cli/kafka/set-up.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { packageRoot, type TestBroker } from '../../support/kafka/broker.ts';
import { leaderOf } from '../../support/kafka/leaders.ts';
import { type Fault, strike } from './faults.ts';
import { Feed } from './feed.ts';
import { Fleet, type WorkerEnd } from './fleet.ts';
import { committedValues, judge, untilConsumed, type Verdict } from './verdict.ts';

export interface ChaosOptions {
  /** Prefix of topics and groups. */
  readonly name: string;
  readonly broker: TestBroker;
  readonly shape: 'fused' | 'staged';
  readonly log: Partial<KafkaLogOptions>;
  /** One round each; those of a round strike one after the other. */
  readonly rounds: readonly (readonly Fault[])[];
  readonly seed: number;
  readonly recordsPerRound: number;
}

export interface ChaosResult extends Verdict {
  readonly deadLetters: readonly string[];
  readonly ends: readonly WorkerEnd[];
}

const PARTITIONS = 6;
export const SESSION_MS = 2_000;
const TRANSACTION_MS = 10_000;
/** The longest wait of a member (patience, watchdogs) and a restart after it: what takes longer hangs. */
const HUNG_MS = 180_000;

interface Stage {
  readonly groupId: string;
  readonly input: string;
  readonly output: string;
  readonly slots: readonly string[];
}

function stagesOf(name: string, shape: ChaosOptions['shape']): readonly Stage[] {
  const stage = (step: string, input: string, output: string, slots: readonly string[]): Stage => ({
    groupId: `${name}-${step}`,
    input: `${name}.${input}`,
    output: `${name}.${output}`,
    slots,
  });
  if (shape === 'fused') return [stage('all', 'uploads', 'scores', ['a', 'b'])];
  return [
    stage('extract', 'uploads', 'extracted', ['a']),
    stage('embed', 'extracted', 'embedded', ['a']),
    stage('score', 'embedded', 'scores', ['a', 'b']),
  ];
}

/** Throws when workers hang: the group stands still, or a worker does not end. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { name, broker, seed, rounds } = options;
  const stages = stagesOf(name, options.shape);
  const log = await broker.open();
  const fleets: Fleet[] = [];
  try {
    await createTopics(log, name, stages);
    for (const stage of stages) fleets.push(fleetOf(stage, options));
    await Promise.all(fleets.flatMap((fleet) => fleet.slots.map((slot) => fleet.start(slot))));
    const feed = new Feed(log, `${name}.uploads`);
    const random = seededRandom(seed);
    const someLeader = () => {
      const topics = [...stages.map((stage) => stage.output), '__consumer_offsets', '__transaction_state'];
      return leaderOf(broker.brokers, topics[Math.floor(random() * topics.length)] ?? '');
    };
    const { cluster, proxy } = broker;
    const target = { fleets, cluster, proxy, random, sessionMs: SESSION_MS, someLeader };
    for (const faults of rounds) {
      const feeding = feed.run(options.recordsPerRound);
      await delay(random() * 800);
      for (const fault of faults) await strike(fault, target);
      await feeding;
    }
    await untilPassedOn(log, stages, feed);
    await Promise.all(fleets.map((fleet) => fleet.stopAll()));
    const verdict = await judge(log, `${name}.scores`, feed.sent);
    const deadLetters = await committedValues(log, `${name}.dead-letter`);
    return { ...verdict, deadLetters, ends: fleets.flatMap((fleet) => fleet.ends) };
  } finally {
    for (const fleet of fleets) fleet.killAll();
    await log.close();
  }
}

function fleetOf(stage: Stage, { name, broker, log, seed }: ChaosOptions): Fleet {
  const { groupId, input, output, slots } = stage;
  return new Fleet(
    {
      ...{ groupId, input, output, deadLetters: `${name}.dead-letter` },
      brokers: broker.clientBrokers,
      clientDir: kafkaClientDir(packageRoot),
      log: { sessionTimeoutMs: SESSION_MS, transactionTimeoutMs: TRANSACTION_MS, ...log },
    },
    seed,
    slots,
  );
}

async function createTopics(log: KafkaLog, name: string, stages: readonly Stage[]): Promise<void> {
  const topics = new Set([...stages.flatMap(({ input, output }) => [input, output]), `${name}.dead-letter`]);
  await log.admin.ensureTopics(
    [...topics].map((topic) => ({
      name: topic,
      partitions: PARTITIONS,
      cleanup: 'delete' as const,
      retentionMs: null,
    })),
  );
}

/** Stage by stage: the inputs of the next one are complete when the one before has caught up. */
async function untilPassedOn(log: KafkaLog, stages: readonly Stage[], feed: Feed): Promise<void> {
  let ends: ReadonlyMap<number, bigint> = feed.ends;
  for (const stage of stages) {
    await untilConsumed(log, stage.groupId, ends, HUNG_MS);
    ends = await endsOfRecords(log, stage.output);
  }
}

/** Next offset behind the last committed record of each partition: behind it are markers, which no group commits. */
async function endsOfRecords(log: KafkaLog, topic: string): Promise<ReadonlyMap<number, bigint>> {
  const [description] = await log.admin.describeTopics([topic]);
  const reader = await log.openReader([topic], { at: 'beginning' });
  const last = new Map<number, bigint>();
  const isBehind = () =>
    reader.positions().some((at) => at.offset < (description?.offsets[at.partition]?.end ?? 0n));
  while (isBehind()) {
    const records = await reader.next({ maxRecords: 10_000, maxBytes: 16_000_000, maxWaitMs: 1_000 });
    for (const record of records) last.set(record.partition, record.offset + 1n);
  }
  await reader.close();
  return last;
}
