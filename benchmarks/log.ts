/**
 * Pass-through on one Kafka broker: consume, a trivial map, produce, exactly once; 200 B records, 4 partitions, lz4.
 *
 * Measures, each in a process of its own and in turn, round by round: the bare node-rdkafka loop (the ceiling), our runtime
 * around the same client (exactly-once and at-least-once), a confluent-kafka loop in Python, and Kafka Streams
 * (exactly_once_v2, one thread). Records/s between two commits as the broker tells them, warm-up left out; CPU time of the
 * process per record; ratios within a round. The broker runs beside them on the same cores. Each run is read back and must have
 * every record, and where delivery is exactly-once, once. Does not measure: latency, networks, several brokers or members.
 *
 * FIRSTFIVE_BENCH_CASES: `throughput` (500 ms), `intervals` (100 and 2,000 ms), `growth` (memory over short transactions);
 * all by default. FIRSTFIVE_BENCH_RECORDS: records of a run (1,000,000). FIRSTFIVE_BENCH_SAMPLES: rounds (3).
 * FIRSTFIVE_BENCH_COMMITS: transactions of `growth` (10,000).
 */
import { type BenchBroker, startBenchBroker } from './lib/kafka-bench-broker.ts';
import { growth } from './lib/kafka-growth.ts';
import { preload } from './lib/kafka-load.ts';
import { AT_LEAST_ONCE, BARE, EXACTLY_ONCE, type Peer, PYTHON, STREAMS } from './lib/kafka-peers.ts';
import { type Rate, rateOf, run as runOnce } from './lib/kafka-run.ts';
import { summary } from './lib/summary.ts';
import type { BenchResult } from './report.ts';

export const description =
  'pass-through on Kafka, exactly once, beside the bare client, a Python loop and Kafka Streams; memory over many commits';

const RECORDS = Number(process.env.FIRSTFIVE_BENCH_RECORDS ?? 1_000_000);
const SAMPLES = Number(process.env.FIRSTFIVE_BENCH_SAMPLES ?? 3);
const COMMITS = Number(process.env.FIRSTFIVE_BENCH_COMMITS ?? 10_000);
const CASES = (process.env.FIRSTFIVE_BENCH_CASES ?? 'throughput,intervals,growth').split(',');
const INPUT = 'input';

interface Contest {
  readonly peer: Peer;
  readonly intervalMs: number;
}

/** For the broker's sake: its code and page cache get warm, and its coordinators come up, which a bare loop does not survive. */
const WARM_UP: Contest = { peer: EXACTLY_ONCE, intervalMs: 500 };

export async function run(): Promise<BenchResult[]> {
  const broker = await startBenchBroker();
  try {
    const contests = await available(chosen());
    const results = contests.length === 0 ? [] : await compared(broker, contests);
    return CASES.includes('growth') ? [...results, ...(await growth(broker, COMMITS))] : results;
  } finally {
    await broker.stop();
  }
}

function chosen(): readonly Contest[] {
  const at = (peers: readonly Peer[], intervalMs: number) => peers.map((peer) => ({ peer, intervalMs }));
  const peers = [BARE, EXACTLY_ONCE, PYTHON, STREAMS];
  return [
    ...(CASES.includes('throughput') ? at([BARE, EXACTLY_ONCE, AT_LEAST_ONCE, PYTHON, STREAMS], 500) : []),
    ...(CASES.includes('intervals') ? [...at(peers, 100), ...at(peers, 2_000)] : []),
  ];
}

/** A peer whose tools are not here is left out, and says so. */
async function available(contests: readonly Contest[]): Promise<readonly Contest[]> {
  const absent = new Set<Peer>();
  for (const peer of new Set(contests.map((contest) => contest.peer))) {
    await peer.ready().catch((thrown: unknown) => {
      absent.add(peer);
      const why = String(thrown instanceof Error ? thrown.message : thrown).split('\n')[0];
      process.stderr.write(`bench log: ${peer.name} is absent: ${why}\n`);
    });
  }
  return contests.filter(({ peer }) => !absent.has(peer));
}

async function compared(broker: BenchBroker, contests: readonly Contest[]): Promise<BenchResult[]> {
  await broker.createTopic(INPUT);
  await preload(broker, INPUT, RECORDS);
  const rates = new Map<Contest, Rate[]>(contests.map((contest) => [contest, []]));
  for (let round = -1; round < SAMPLES; round++) {
    for (const contest of round < 0 ? [WARM_UP] : contests) {
      const request = { ...contest, input: INPUT, records: RECORDS };
      const rate = rateOf(await runOnce(broker, request), RECORDS);
      if (round >= 0) rates.get(contest)?.push(rate);
      process.stderr.write(`bench log: ${named(contest)}: ${Math.round(rate.perSecond)} records/s\n`);
    }
  }
  await broker.deleteTopic(INPUT);
  return [...rates].flatMap(([contest, own]) => [
    summary(
      named(contest),
      'records/s',
      own.map((rate) => rate.perSecond),
    ),
    summary(
      `${named(contest)}, CPU time`,
      'us/record',
      own.map((rate) => rate.cpuMicros),
    ),
    ...ratios(contest, rates),
  ]);
}

/** Ours against each other program at the same interval, round by round: what the machine does meanwhile hits both. */
function ratios(contest: Contest, rates: ReadonlyMap<Contest, readonly Rate[]>): BenchResult[] {
  if (contest.peer !== EXACTLY_ONCE) return [];
  const own = rates.get(contest) ?? [];
  return [...rates]
    .filter(([other]) => other !== contest && other.intervalMs === contest.intervalMs)
    .map(([other, theirs]) =>
      summary(
        `${named(contest)} / ${other.peer.name}`,
        'ratio',
        own.map(({ perSecond }, i) => perSecond / (theirs[i]?.perSecond ?? Number.NaN)),
      ),
    );
}

function named({ peer, intervalMs }: Contest): string {
  return `${peer.name}, ${intervalMs} ms`;
}
