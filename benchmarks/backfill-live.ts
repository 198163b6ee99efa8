/**
 * Live traffic with a backfill beside it that takes all that is left of the machine, against live traffic alone.
 *
 * Measures event-to-score time (as `end-to-end` does) at a steady live rate, a stated share of the throughput that is measured
 * first: alone, and while `firstfive backfill run` works without a rate limit on the history of the same log, in a process of its own
 * at the lowest priority. Samples alternate. A sample in which the backfill came to its end does not count: it fails the run.
 *
 * Does not measure: a broker (the embedded log is one file, whose writer lock the two share), GPUs, machines whose live load leaves
 * nothing. The driver of the load runs in the live process.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventToScore } from './lib/event-to-score.ts';
import { quantile, summary } from './lib/summary.ts';
import { openUpParts, sampleUploads, type UpParts } from './lib/up-parts.ts';
import type { BenchResult } from './report.ts';

export const description =
  'live event-to-score time with a backfill saturating the machine against without, at a stated live rate';

export interface Sizes {
  /** Uploads that the backfill finds; it must not come to its end during a sample. */
  readonly history: number;
  readonly liveUploads: number;
  readonly samples: number;
}

const FULL: Sizes = { history: 1_500, liveUploads: 300, samples: 3 };
/** Live rate as a share of the throughput measured on the history. */
const LIVE_LOAD = 0.4;
const SEED = 11;
const CLI = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

interface Times {
  readonly p50: number;
  readonly p99: number;
}

export async function run(sizes: Sizes = FULL): Promise<BenchResult[]> {
  const parts = await openUpParts();
  try {
    const rate = LIVE_LOAD * (await historyPerSecond(parts, sizes.history));
    const alone: Times[] = [];
    const beside: Times[] = [];
    const backfilled: number[] = [];
    for (let sample = 0; sample < sizes.samples; sample++) {
      alone.push(await liveTimes(parts, `alone-${sample}`, { rate, sizes, sample }));
      const backfill = await startBackfill(parts, `bench-${sample}`);
      const before = await backfill.done();
      const startedAt = performance.now();
      beside.push(await liveTimes(parts, `beside-${sample}`, { rate, sizes, sample }));
      backfilled.push(((await backfill.done()) - before) / ((performance.now() - startedAt) / 1_000));
      await backfill.end();
    }
    return results(rate, { alone, beside, backfilled });
  } finally {
    await parts.close();
  }
}

function results(
  rate: number,
  {
    alone,
    beside,
    backfilled,
  }: { alone: readonly Times[]; beside: readonly Times[]; backfilled: readonly number[] },
): BenchResult[] {
  const at = `live at ${rate.toFixed(1)} uploads/s`;
  const times = (name: string, all: readonly Times[]) => [
    summary(
      `event to score, p50, ${at}, ${name}`,
      'ms',
      all.map(({ p50 }) => p50),
    ),
    summary(
      `event to score, p99, ${at}, ${name}`,
      'ms',
      all.map(({ p99 }) => p99),
    ),
  ];
  const ratios = beside.map(({ p99 }, i) => p99 / (alone[i]?.p99 ?? Number.NaN));
  return [
    ...times('alone', alone),
    ...times('beside a backfill', beside),
    summary('p99 beside a backfill over p99 alone', 'x', ratios),
    summary('backfill beside it', 'uploads/s', [...backfilled]),
  ];
}

/** Works off the history live, which makes it history; warms up, too. */
async function historyPerSecond(parts: UpParts, count: number): Promise<number> {
  await parts.publish(await sampleUploads(count, 'history'));
  const startedAt = performance.now();
  const pipeline = await parts.start();
  while (parts.settled() < count) await delay(10);
  const seconds = (performance.now() - startedAt) / 1_000;
  await pipeline.stop(0);
  return count / seconds;
}

async function liveTimes(
  parts: UpParts,
  name: string,
  { rate, sizes, sample }: { readonly rate: number; readonly sizes: Sizes; readonly sample: number },
): Promise<Times> {
  const events = await sampleUploads(sizes.liveUploads, name);
  const waits = (await eventToScore(parts, events, { rate, seed: SEED + sample })).sort((a, b) => a - b);
  return { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99) };
}

interface RunningBackfill {
  done(): Promise<number>;
  end(): Promise<void>;
}

/** Resolves once it is at work. */
async function startBackfill(parts: UpParts, run: string): Promise<RunningBackfill> {
  const places = ['--data', parts.dataDir, '--media-roots', parts.mediaRoot, '--topology', 'backfill'];
  await cli('backfill', 'plan', '--from', 'beginning', '--run', run, ...places);
  const args = ['--disable-warning=ExperimentalWarning', CLI, 'backfill', 'run', run, '--json', ...places];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'close');
  const done = async () => {
    if (child.exitCode !== null)
      throw new Error(`the backfill ended during a sample (exit ${child.exitCode})`);
    const status = JSON.parse(await cli('backfill', 'status', run, '--json', ...places)) as { done: number };
    return status.done;
  };
  while ((await done()) === 0) await delay(500);
  return {
    done,
    end: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function cli(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    CLI,
    ...args,
  ]);
  return stdout;
}
