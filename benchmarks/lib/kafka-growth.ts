/** Resident memory over many short transactions, and what it comes to in a day. */

import type { BenchResult } from '../report.ts';
import type { BenchBroker } from './kafka-bench-broker.ts';
import { preload } from './kafka-load.ts';
import { EXACTLY_ONCE } from './kafka-peers.ts';
import { type Observation, run } from './kafka-run.ts';
import { summary } from './summary.ts';

/** Growth that an operator need not know of: a process that is restarted once a fortnight stays under 4 GiB. */
export const BUDGET_MIB_A_DAY = 256;
const UNIT_RECORDS = 20;
const COMMITS_A_DAY = (24 * 3_600 * 1_000) / 500;
/** Heaps and caches fill first. */
const SETTLED_SHARE = 0.3;

/** The whole runtime, exactly once, in units of 20 records over all partitions, as fast as they go. */
export async function growth(broker: BenchBroker, commits: number): Promise<BenchResult[]> {
  const input = 'growth';
  const records = commits * UNIT_RECORDS;
  await broker.createTopic(input);
  await preload(broker, input, records);
  const request = { peer: EXACTLY_ONCE, input, records, intervalMs: 500, unitRecords: UNIT_RECORDS };
  const seen = await run(broker, request);
  await broker.deleteTopic(input);
  const settled = seen.filter((at) => at.records > records * SETTLED_SHARE);
  const slope = perThousandCommits(settled);
  return [
    summary(
      'growth: resident memory, firstfive exactly-once',
      'MiB',
      settled.map((at) => at.residentMiB),
    ),
    summary('growth: slope of resident memory', 'MiB/1,000 commits', [slope]),
    summary('growth: in 24 h at a 500 ms interval', 'MiB/day', [(slope * COMMITS_A_DAY) / 1_000]),
  ];
}

/** Least squares. */
function perThousandCommits(seen: readonly Observation[]): number {
  const points = seen.map((at) => [at.records / UNIT_RECORDS / 1_000, at.residentMiB] as const);
  const mean = (pick: 0 | 1) => points.reduce((sum, at) => sum + at[pick], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const above = points.reduce((sum, at) => sum + (at[0] - x) * (at[1] - y), 0);
  return above / points.reduce((sum, at) => sum + (at[0] - x) ** 2, 0);
}
