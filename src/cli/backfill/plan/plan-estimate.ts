/**
 * What a backfill will take, from rates that were measured on this log: those of finished runs, else the timings that live
 * scores carry. Nothing measured: `unknown`, and no number.
 */
import type { Serdes } from '../../../adapters/schemas/index.ts';
import type { BackfillEstimate } from '../../../core/backfill-plan.ts';
import { finishedRecords } from '../../../core/backfill-progress.ts';
import type { BackfillState } from '../../../core/backfill-state.ts';
import type { Timings } from '../../../core/features.ts';
import { readRange } from '../../../runtime/backfill/read-range.ts';
import type { Log } from '../../../runtime/log.ts';
import type { StageSpec, Topology } from '../../../runtime/topology.ts';

export interface EstimateInputs {
  readonly log: Log;
  readonly serdes: Serdes;
  readonly topology: Topology;
  readonly stage: StageSpec;
  readonly runs: Iterable<BackfillState>;
  readonly records: number;
}

const RECENT_RUNS = 3;
/** Live scores looked at, by partition. */
const SAMPLE = 50n;

export async function estimate(inputs: EstimateInputs): Promise<BackfillEstimate> {
  return fromReceipts(inputs) ?? (await fromTimings(inputs)) ?? unknown;
}

const unknown: BackfillEstimate = {
  basis: 'unknown',
  detail: 'no finished run and no score with timings on this log',
  recordsPerSecond: null,
  seconds: null,
  workSeconds: null,
};

/** Runs of the same steps on the same input, the latest ones; records and time are summed, so that long runs weigh more. */
function fromReceipts({ runs, stage, records }: EstimateInputs): BackfillEstimate | undefined {
  const receipts = [...runs]
    .filter(({ plan }) => plan?.input === stage.input && plan.steps.join() === stage.steps.join())
    .flatMap(({ receipt }) => receipt ?? [])
    .sort((a, b) => b.finishedAt - a.finishedAt)
    .slice(0, RECENT_RUNS);
  const done = receipts.reduce((sum, { counts }) => sum + finishedRecords(counts), 0);
  const activeMs = receipts.reduce((sum, receipt) => sum + receipt.activeMs, 0);
  if (done === 0 || activeMs === 0) return undefined;
  const perSecond = (done * 1_000) / activeMs;
  return {
    basis: 'receipts',
    detail: `${done} records of ${receipts.length} finished ${receipts.length === 1 ? 'run' : 'runs'}`,
    recordsPerSecond: perSecond,
    seconds: records / perSecond,
    workSeconds: null,
  };
}

async function fromTimings(inputs: EstimateInputs): Promise<BackfillEstimate | undefined> {
  const { topology, stage, records } = inputs;
  const samples = await sampledTimings(inputs);
  if (samples.length === 0) return undefined;
  const meanMs = samples.reduce((sum, ms) => sum + ms, 0) / samples.length;
  const parallel = stage.steps.includes('extract') ? topology.decoders : 1;
  const perSecond = (parallel * 1_000) / meanMs;
  return {
    basis: 'score timings',
    detail: `${meanMs.toFixed(1)} ms an upload over ${samples.length} live scores, ${parallel} at once`,
    recordsPerSecond: perSecond,
    seconds: records / perSecond,
    workSeconds: (records * meanMs) / 1_000,
  };
}

/** Milliseconds that the stage's steps took, for each of the last live scores that were made by the steps themselves. */
async function sampledTimings({ log, serdes, stage }: EstimateInputs): Promise<number[]> {
  const topic = stage.outputs.score;
  const known = (await log.admin.describeTopics()).find(({ name }) => name === topic);
  if (topic === undefined || known === undefined) return [];
  const ranges = known.offsets.map(({ start, end }, partition) => ({
    partition,
    start: end - SAMPLE > start ? end - SAMPLE : start,
    end,
  }));
  const samples: number[] = [];
  for await (const { value } of readRange(log, topic, ranges)) {
    if (value === null) continue;
    await serdes.coldStartScore.prepare(value);
    const { timings, tier } = serdes.coldStartScore.deserialize(value);
    const ms = stepsMs(timings, stage.steps);
    if (tier > 0 && ms > 0) samples.push(ms);
  }
  return samples;
}

/** The keys of whole steps; `extract.decode` and the like are parts of them. */
function stepsMs(timings: Timings, steps: readonly string[]): number {
  return steps.reduce((sum, step) => sum + (timings[step] ?? 0), 0);
}
