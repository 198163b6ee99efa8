/**
 * `Inference` on onnxruntime-node: worker threads, one session per graph and worker, fixed batch sizes.
 *
 * I1. When `openOnnxInference` resolves, every session of every worker is loaded, checked and warm.
 * I2. The execution provider asked for is the one used, or opening fails with `PROVIDER_UNAVAILABLE`.
 * I3. Rows of padding never show in the outputs.
 */
import type { GraphManifest } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { Inference, NamedTensors } from '../../stages/embed/inference.ts';
import { joinRows, rowCount, viewRows } from '../../stages/embed/tensor-rows.ts';
import { type BucketChunk, cutIntoBuckets } from './buckets.ts';
import { type OnnxProvider, requireProvider } from './providers.ts';
import { WorkerPool } from './worker-pool.ts';
import { type SpawnWorker, spawnWorker } from './worker-slot.ts';

/** The part of a loaded bundle that inference needs. */
export interface GraphSource {
  readonly manifest: { readonly graphs: Readonly<Record<string, GraphManifest>> };
  /** Absolute path of a file of the bundle. */
  filePath(file: string): string;
}

export interface OnnxInferenceOptions {
  readonly bundle: GraphSource;
  readonly provider: OnnxProvider;
  /** Worker threads; each holds its own sessions. */
  readonly workers: number;
  readonly intraOpThreads?: number;
  /** Prepared batch sizes by graph, where they differ from the bundle's (each is warmed, and costs memory). */
  readonly buckets?: Readonly<Record<string, readonly number[]>>;
  readonly runTimeoutMs?: number;
  readonly spawn?: SpawnWorker;
}

const DEFAULT_RUN_TIMEOUT_MS = 60_000;

export async function openOnnxInference(options: OnnxInferenceOptions): Promise<Inference> {
  const { bundle, provider } = options;
  // The CPU is built in; any other provider is tried in a process of its own first, where its libraries may fail.
  if (provider !== 'cpu') await requireProvider(provider);
  const graphs = Object.fromEntries(
    Object.entries(bundle.manifest.graphs).map(([name, graph]) => {
      const buckets = options.buckets?.[name] ?? graph.buckets;
      return [name, { ...graph, buckets, path: bundle.filePath(graph.file) }];
    }),
  );
  const pool = new WorkerPool({
    setup: { provider, intraOpThreads: options.intraOpThreads ?? 1, graphs },
    workers: options.workers,
    spawn: options.spawn ?? spawnWorker,
    runTimeoutMs: options.runTimeoutMs ?? DEFAULT_RUN_TIMEOUT_MS,
  });
  await pool.start();
  return {
    executionProvider: provider,
    run: (graph, inputs, signal) =>
      runInBuckets({ pool, graph, buckets: graphs[graph]?.buckets, inputs, signal }),
    close: () => pool.close(),
  };
}

interface BucketRun {
  readonly pool: WorkerPool;
  readonly graph: string;
  readonly buckets: readonly number[] | undefined;
  readonly inputs: NamedTensors;
  readonly signal: AbortSignal | undefined;
}

async function runInBuckets({ pool, graph, buckets, inputs, signal }: BucketRun): Promise<NamedTensors> {
  if (buckets === undefined) throw new FirstFiveError('INFERENCE_FAILED', `the bundle has no graph ${graph}`);
  const chunks = cutIntoBuckets(rowCount(inputs), buckets);
  if (chunks.length === 0) throw new FirstFiveError('INFERENCE_FAILED', 'a batch needs at least one row');
  const parts = await Promise.all(
    chunks.map(async (chunk) => {
      const request = { kind: 'run', graph, inputs: chunkInputs(inputs, chunk, chunks.length) } as const;
      const outputs = await pool.run(request, signal);
      return chunk.bucket === chunk.rows ? outputs : viewRows(outputs, 0, chunk.rows);
    }),
  );
  const first = parts[0];
  return parts.length === 1 && first !== undefined ? first : joinRows(parts, rowCount(inputs));
}

/** The inputs themselves when they fill one bucket with buffers of their own (they are handed over), else a padded copy. */
function chunkInputs(inputs: NamedTensors, chunk: BucketChunk, chunks: number): NamedTensors {
  const whole =
    chunks === 1 &&
    chunk.rows === chunk.bucket &&
    Object.values(inputs).every(({ data }) => ownsBuffer(data));
  return whole ? inputs : joinRows([viewRows(inputs, chunk.from, chunk.rows)], chunk.bucket);
}

function ownsBuffer(data: ArrayBufferView): boolean {
  return data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength;
}
