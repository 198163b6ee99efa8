/**
 * The sample clips through what `up` runs: embedded log (synchronous=FULL), real decoding in children, real inference in worker
 * threads, Prometheus metrics on.
 *
 * Measures: uploads/s with a backlog waiting; CPU time of one upload and where it is spent; event-to-score time at a steady rate
 * below the limit (Poisson arrivals, seeded), from the call that appends the event to the score read from the ranking topic.
 *
 * "Framework" is everything but decoding (with its signals) and inference. It is given in two ways. By difference: total CPU of the
 * pipeline less that of the same clips through decoder and inference alone, with the same concurrency and neither log nor runtime;
 * samples alternate. By thread: CPU of all that is neither a decode child nor an inference thread. It carries frames from the child to
 * the workers and collects their garbage, as the bare loop does too; so an upper bound.
 *
 * FIRSTFIVE_BENCH_SAMPLES sets the number of samples (5; each takes about 20 s).
 * Does not measure: start-up, object stores other than files, other machines' logs. Linux only (CPU times of children).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { UploadEvent } from '../src/core/upload.ts';
import { describeUpload } from '../src/core/upload.ts';
import { eventToScore } from './lib/event-to-score.ts';
import { type CpuTimes, cpuTimes, since } from './lib/process-cpu.ts';
import { quantile, summary } from './lib/summary.ts';
import { openUpParts, sampleUploads, type UpParts } from './lib/up-parts.ts';
import type { BenchResult } from './report.ts';

export const description =
  'uploads through the whole pipeline: uploads/s, event-to-score time, CPU of one upload and its framework share';

const BATCH = 64;
const SAMPLES = Number(process.env.FIRSTFIVE_BENCH_SAMPLES ?? 5);
const STEADY_UPLOADS = 100;
const STEADY_SAMPLES = 3;
/** Share of the measured throughput at which the event-to-score time is taken. */
const STEADY_LOAD = 0.6;
const SEED = 7;

interface Sample extends CpuTimes {
  readonly total: number;
  readonly perSecond: number;
}

export async function run(): Promise<BenchResult[]> {
  const parts = await openUpParts();
  try {
    const through: Sample[] = [];
    const bare: Sample[] = [];
    for (let sample = -1; sample < SAMPLES; sample++) {
      const events = await sampleUploads(BATCH, `batch-${sample}`);
      const pair = [
        await measured(() => throughPipeline(parts, events)),
        await measured(() => bareWork(parts, events)),
      ];
      if (sample < 0) continue; // The first round warms up.
      through.push(pair[0] as Sample);
      bare.push(pair[1] as Sample);
    }
    const rate =
      STEADY_LOAD *
      summary(
        '',
        '',
        through.map((one) => one.perSecond),
      ).value;
    return [...throughputResults(through, bare), ...(await steadyResults(parts, rate))];
  } finally {
    await parts.close();
  }
}

function throughputResults(through: readonly Sample[], bare: readonly Sample[]): BenchResult[] {
  const of = (name: string, unit: string, pick: (one: Sample, i: number) => number) =>
    summary(name, unit, through.map(pick));
  const bareTotal = (i: number) => bare[i]?.total ?? Number.NaN;
  return [
    of(`throughput, ${BATCH} uploads waiting`, 'uploads/s', (one) => one.perSecond),
    summary(
      'throughput of decoder and inference alone',
      'uploads/s',
      bare.map((one) => one.perSecond),
    ),
    of('CPU of one upload, in all', 'ms', (one) => one.total / BATCH),
    of('CPU of one upload, decode children', 'ms', (one) => one.children / BATCH),
    of('CPU of one upload, inference threads', 'ms', (one) => one.inference / BATCH),
    of('CPU of one upload, main thread', 'ms', (one) => one.mainThread / BATCH),
    of('CPU of one upload, garbage collection and other threads', 'ms', (one) => one.otherThreads / BATCH),
    summary(
      'CPU of one upload, decoder and inference alone',
      'ms',
      bare.map((one) => one.total / BATCH),
    ),
    summary(
      'CPU of one upload, main thread of the bare loop',
      'ms',
      bare.map((one) => one.mainThread / BATCH),
    ),
    of(
      'framework share of CPU, by difference',
      '%',
      (one, i) => (100 * (one.total - bareTotal(i))) / one.total,
    ),
    of(
      'framework share of CPU, by thread (upper bound)',
      '%',
      (one) => (100 * (one.mainThread + one.otherThreads)) / one.total,
    ),
  ];
}

async function measured(work: () => Promise<void>): Promise<Sample> {
  const before = cpuTimes();
  const startedAt = performance.now();
  await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  return { ...since(before), perSecond: BATCH / seconds };
}

async function throughPipeline(parts: UpParts, events: readonly UploadEvent[]): Promise<void> {
  await parts.publish(events);
  const pipeline = await parts.start();
  await allSettled(parts, events.length);
  await pipeline.stop(0);
}

/** What no pipeline can do without: the media opened, decoded, embedded; as many at a time as the pipeline has. */
async function bareWork({ engine, concurrency }: UpParts, events: readonly UploadEvent[]): Promise<void> {
  const queue = [...events];
  const worker = async () => {
    for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
      const media = await engine.extract.extract(event.media.uri);
      await engine.embed.embed(describeUpload(event), media);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

async function allSettled(parts: UpParts, count: number): Promise<void> {
  while (parts.settled() < count) await delay(10);
}

async function steadyResults(parts: UpParts, rate: number): Promise<BenchResult[]> {
  const p50: number[] = [];
  const p99: number[] = [];
  for (let sample = 0; sample < STEADY_SAMPLES; sample++) {
    const events = await sampleUploads(STEADY_UPLOADS, `steady-${sample}`);
    const load = { rate, seed: SEED + sample };
    const waits = (await eventToScore(parts, events, load)).sort((a, b) => a - b);
    p50.push(quantile(waits, 0.5));
    p99.push(quantile(waits, 0.99));
  }
  const at = `at ${rate.toFixed(1)} uploads/s`;
  return [summary(`event to score, p50 ${at}`, 'ms', p50), summary(`event to score, p99 ${at}`, 'ms', p99)];
}
