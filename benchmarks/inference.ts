/**
 * Inference in worker threads against a plain loop of ONNX Runtime in Python, and the batcher against no batcher.
 *
 * Measures: rows/s of the starter's graphs, same file, rows of a batch and threads, one worker against one process, samples of both by
 * turns; the event-loop delay of the main thread meanwhile; one-row requests through the batcher and without it, from many
 * callers at once, where the cost of a call dominates (a small head) and where it does not (pictures).
 *
 * Does not measure: other execution providers (benchmarks/gpu), preprocessing, other machines. The peer is absent, and says why,
 * where Python or its packages cannot be had.
 */
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { createBatchingRunner } from '../src/adapters/inference-onnx/batching-runner.ts';
import { openOnnxInference } from '../src/adapters/inference-onnx/open.ts';
import { openFolderRepository } from '../src/adapters/model-repository/folder-repository.ts';
import type { BatchPolicy } from '../src/core/batch-policy.ts';
import type { Inference, NamedTensors, Tensor } from '../src/stages/embed/inference.ts';
import type { LoadedBundle } from '../src/stages/model-repository.ts';
import { type AnsweringPeer, PEERS_DIR, readyPython, startPeer } from './lib/python-peer.ts';
import { quantile, summary } from './lib/summary.ts';
import type { BenchResult } from './report.ts';

export const description =
  'inference: rows/s and event-loop delay against a plain Python loop of ONNX Runtime; the batcher against no batcher';

const SAMPLES = Number(process.env.FIRSTFIVE_BENCH_SAMPLES ?? 7);
const SAMPLE_SECONDS = 2;
/** Enough to keep the worker busy while the last batch is handed back. */
const UNDER_WAY = 2;

interface LoopCase {
  readonly graph: string;
  readonly rows: number;
  readonly threads: number;
}

const LOOPS: readonly LoopCase[] = [
  { graph: 'vision', rows: 5, threads: 1 },
  { graph: 'vision', rows: 5, threads: 2 },
  { graph: 'audio', rows: 1, threads: 1 },
];

interface BatcherCase {
  readonly bundle: string;
  readonly graph: string;
  readonly callers: number;
  readonly seconds: number;
}

const BATCHERS: readonly BatcherCase[] = [
  { bundle: 'brucelyu17', graph: 'music', callers: 64, seconds: 1 },
  { bundle: 'starter', graph: 'vision', callers: 8, seconds: 3 },
];

export async function run(): Promise<BenchResult[]> {
  const repository = await openFolderRepository(fileURLToPath(new URL('../models', import.meta.url)));
  const results: BenchResult[] = [];
  const starter = await repository.load('starter');
  const python = await readyPython('python-onnx').catch((thrown: unknown) => {
    process.stderr.write(`no Python peer: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    return undefined;
  });
  for (const one of LOOPS) results.push(...(await againstLoop(starter, one, python)));
  for (const one of BATCHERS)
    results.push(...(await withAndWithoutBatcher(await repository.load(one.bundle), one)));
  return results;
}

async function againstLoop(
  bundle: LoadedBundle,
  one: LoopCase,
  python: string | undefined,
): Promise<BenchResult[]> {
  const { graph, rows, threads } = one;
  const file = bundle.filePath(bundle.manifest.graphs[graph]?.file ?? '');
  const buckets = { [graph]: [rows] };
  const inference = await openOnnxInference({
    bundle,
    provider: 'cpu',
    workers: 1,
    intraOpThreads: threads,
    buckets,
  });
  const loop = join(PEERS_DIR, 'python-onnx', 'loop.py');
  const peer =
    python === undefined ? undefined : await startPeer(python, [loop, file, String(threads), String(rows)]);
  const ours: number[] = [];
  const theirs: number[] = [];
  const delays: number[] = [];
  try {
    const batches = Math.max(
      2,
      Math.round(SAMPLE_SECONDS / ((await secondsOf(inference, bundle, one, 3)) / 3)),
    );
    for (let sample = 0; sample < SAMPLES; sample++) {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      ours.push((batches * rows) / (await secondsOf(inference, bundle, one, batches)));
      delay.disable();
      delays.push(delay.percentile(99) / 1e6);
      if (peer !== undefined) theirs.push((batches * rows) / (await peerSeconds(peer, batches)));
    }
  } finally {
    await inference.close();
    await peer?.end();
  }
  const name = `${graph}, ${rows} rows, ${threads} thread${threads === 1 ? '' : 's'}`;
  const ratios = theirs.map((value, i) => (ours[i] ?? Number.NaN) / value);
  return [
    summary(`${name}: worker thread`, 'rows/s', ours),
    ...(theirs.length === 0
      ? []
      : [
          summary(`${name}: Python loop`, 'rows/s', theirs),
          summary(`${name}: worker thread against Python loop`, 'x', ratios),
        ]),
    summary(`${name}: event-loop delay of the main thread, p99`, 'ms', delays),
  ];
}

async function peerSeconds(peer: AnsweringPeer, batches: number): Promise<number> {
  return Number(await peer.ask(String(batches)));
}

async function secondsOf(
  inference: Inference,
  bundle: LoadedBundle,
  { graph, rows }: LoopCase,
  batches: number,
): Promise<number> {
  const started = performance.now();
  let left = batches;
  await Promise.all(
    Array.from({ length: UNDER_WAY }, async () => {
      while (left-- > 0) await inference.run(graph, filled(bundle, graph, rows));
    }),
  );
  return (performance.now() - started) / 1_000;
}

async function withAndWithoutBatcher(bundle: LoadedBundle, one: BatcherCase): Promise<BenchResult[]> {
  const { graph } = one;
  const buckets = bundle.manifest.graphs[graph]?.buckets ?? [1];
  const largest = Math.max(...buckets);
  const inference = await openOnnxInference({ bundle, provider: 'cpu', workers: 1 });
  const alone: BatchPolicy = { maxItems: 1, maxRows: largest, maxBytes: 1e9, maxDelayMs: 0, maxInFlight: 2 };
  const joined: BatchPolicy = { ...alone, maxItems: largest, maxDelayMs: 1 };
  const samples = { alone: [] as Load[], joined: [] as Load[] };
  try {
    for (let sample = 0; sample < SAMPLES; sample++) {
      samples.alone.push(await load(inference, alone, bundle, one));
      samples.joined.push(await load(inference, joined, bundle, one));
    }
  } finally {
    await inference.close();
  }
  const name = `${bundle.label} ${graph}, ${one.callers} callers of one row`;
  const of = (loads: readonly Load[], pick: (load: Load) => number) => loads.map(pick);
  const ratio = (pick: (load: Load) => number) =>
    samples.joined.map((load, i) => pick(load) / pick(samples.alone[i] as Load));
  return [
    summary(
      `${name}: without batcher`,
      'rows/s',
      of(samples.alone, (load) => load.perSecond),
    ),
    summary(
      `${name}: batches of up to ${largest}`,
      'rows/s',
      of(samples.joined, (load) => load.perSecond),
    ),
    summary(
      `${name}: throughput with batcher against without`,
      'x',
      ratio((load) => load.perSecond),
    ),
    summary(
      `${name}: p95 with batcher against without`,
      'x',
      ratio((load) => load.p95),
    ),
  ];
}

interface Load {
  readonly perSecond: number;
  /** Milliseconds from the call to its rows. */
  readonly p95: number;
}

/** Callers that each ask again as soon as they have their answer. */
async function load(
  inference: Inference,
  policy: BatchPolicy,
  bundle: LoadedBundle,
  { graph, callers, seconds }: BatcherCase,
): Promise<Load> {
  const runner = createBatchingRunner({ inference, policies: { [graph]: policy } });
  const times: number[] = [];
  const started = performance.now();
  const until = started + seconds * 1_000;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) {
        const asked = performance.now();
        await runner.run(graph, filled(bundle, graph, 1));
        times.push(performance.now() - asked);
      }
    }),
  );
  const perSecond = times.length / ((performance.now() - started) / 1_000);
  await runner.close('drain');
  return {
    perSecond,
    p95: quantile(
      times.toSorted((a, b) => a - b),
      0.95,
    ),
  };
}

/** Fresh buffers for each run, since inference takes them over; the values are the peer's. */
function filled(bundle: LoadedBundle, graph: string, rows: number): NamedTensors {
  const inputs = bundle.manifest.graphs[graph]?.inputs ?? [];
  return Object.fromEntries(
    inputs.map(({ name, type, shape }) => {
      const dims = [rows, ...shape.slice(1).map((dim) => (typeof dim === 'number' ? dim : 32))];
      const length = dims.reduce((product, dim) => product * dim, 1);
      const data =
        type === 'uint8'
          ? new Uint8Array(length)
          : type === 'int32'
            ? new Int32Array(length)
            : new Float32Array(length);
      return [name, { type, dims, data: data.fill(1) } as Tensor];
    }),
  );
}
