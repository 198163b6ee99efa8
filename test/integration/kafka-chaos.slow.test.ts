/**
 * Chaos on a real broker: workers are killed, stopped and continued, join and leave, the broker restarts, crashes or loses a node, and the
 * network between them is cut or slow, while inputs keep coming. A `read_committed` reader must see each input's output exactly once, in
 * order per key, and no worker may hang. Each fault strikes at least once in five rounds; there are thirty with FIRSTFIVE_TEST_LONG. Repeat
 * a run with FIRSTFIVE_CHAOS_SEED.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaLogOptions } from '../../src/adapters/log-kafka/options.ts';
import { seededRandom } from '../../src/core/random.ts';
import { BROKER_HOOK_MS, startChaosBroker, type TestBroker } from '../support/kafka/broker.ts';
import { whyNoKafka } from '../support/kafka/prerequisites.ts';
import { type ChaosOptions, runChaos } from './kafka/chaos-run.ts';
import { FAULTS, type Fault } from './kafka/faults.ts';

const without = await whyNoKafka();
const isLong = process.env.FIRSTFIVE_TEST_LONG === '1';
const LONG_ROUNDS = 30;
const ROUND_MS = 120_000;
const seed = Number(process.env.FIRSTFIVE_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** All faults in five rounds. */
const FIVE: readonly (readonly Fault[])[] = [
  ['kill', 'slow network'],
  ['zombie'],
  ['come and go', 'connection cut'],
  ['broker restart'],
  ['broker crash'],
];

function manyRounds(from: readonly Fault[]): readonly (readonly Fault[])[] {
  const random = seededRandom(seed + 1);
  return Array.from({ length: LONG_ROUNDS }, () => [from[Math.floor(random() * from.length)] ?? 'kill']);
}

const CLASSIC: Partial<KafkaLogOptions> = {};
const KIP_848: Partial<KafkaLogOptions> = { groupProtocol: 'consumer' };

async function expectExactlyOnce(options: Omit<ChaosOptions, 'seed' | 'recordsPerRound'>): Promise<void> {
  const { ends, ...verdict } = await runChaos({ ...options, seed, recordsPerRound: 400 });
  const ended = ends.map((end) => `${end.slot} ${end.code ?? end.signal} ${end.said.trim().slice(0, 160)}`);
  const struck = options.rounds.map((faults) => faults.join(' + ')).join(', ');
  process.stderr.write(
    `${options.name}, seed ${seed}: ${verdict.inputs} inputs; ${struck}; ends:\n${ended.join('\n')}\n`,
  );
  expect({ ...verdict, seed }).toEqual({
    ...{ inputs: verdict.inputs, lost: [], doubled: [], disordered: [], deadLetters: [] },
    seed,
  });
  // A worker that fails says why, and leaves the rest to its supervisor: it neither crashes nor outlives its test.
  const failed = ends.filter((end) => end.code !== 0 && end.signal === null);
  expect(failed.filter((end) => end.code !== 1 || !end.said.includes('failed'))).toEqual([]);
}

describe.skipIf(without !== undefined)('one broker behind a proxy', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startChaosBroker({ nodes: 1, proxied: true });
  }, BROKER_HOOK_MS);
  afterAll(() => broker?.stop());

  const cases = [
    ['fused', 'classic', CLASSIC],
    ['staged', 'kip848', KIP_848],
    ['staged', 'classic', CLASSIC],
    ['fused', 'kip848', KIP_848],
  ] as const;
  it.each(isLong ? cases : cases.slice(0, 2))(
    `loses and doubles nothing: %s, %s (seed ${seed})`,
    async (shape, protocol, log) => {
      const rounds = isLong ? manyRounds(FAULTS) : FIVE;
      await expectExactlyOnce({ name: `${shape}-${protocol}`, broker, shape, log, rounds });
    },
    (isLong ? LONG_ROUNDS : FIVE.length) * ROUND_MS,
  );
});

describe.skipIf(without !== undefined)('three brokers', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startChaosBroker({ nodes: 3 });
  }, BROKER_HOOK_MS);
  afterAll(() => broker?.stop());

  it(
    `lose and double nothing when leaders are killed (seed ${seed})`,
    async () => {
      const rounds: Fault[][] = Array.from({ length: isLong ? LONG_ROUNDS : 1 }, () => ['leader kill']);
      await expectExactlyOnce({ name: 'leaders', broker, shape: 'fused', log: CLASSIC, rounds });
    },
    (isLong ? LONG_ROUNDS : 2) * ROUND_MS,
  );
});
