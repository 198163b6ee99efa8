/**
 * What a machine with a CUDA GPU is asked: does it compute the same, and how fast.
 *
 *   tools/run node benchmarks/gpu/check.ts [--provider cuda|tensorrt] [--bundle NAME] >benchmarks/results/gpu-NAME.json
 *
 * Measures: largest difference of every output between CPU and GPU on the same rows (set NVIDIA_TF32_OVERRIDE=0: TF32 keeps ten
 * bits of mantissa); rows/s of each graph by bucket, copies to and from the GPU included, against one CPU worker; uploads/s of
 * the embed stage as the runtime calls it, with its batcher.
 * Fails with the name of the library that is missing where the provider cannot be used: there is no fall-back.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createBatchingRunner } from '../../src/adapters/inference-onnx/batching-runner.ts';
import { openOnnxInference } from '../../src/adapters/inference-onnx/open.ts';
import { inferenceProfile } from '../../src/adapters/inference-onnx/profile.ts';
import type { OnnxProvider } from '../../src/adapters/inference-onnx/providers.ts';
import { openFolderRepository } from '../../src/adapters/model-repository/folder-repository.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { Inference, NamedTensors, Tensor } from '../../src/stages/embed/inference.ts';
import type { LoadedBundle } from '../../src/stages/model-repository.ts';
import { summary } from '../lib/summary.ts';
import { type BenchResult, machine, versions } from '../report.ts';

const SEED = 5;
const SAMPLES = 5;
const SAMPLE_MS = 2_000;
const UPLOADS_AT_ONCE = 64;

const { values: flags } = parseArgs({
  options: { provider: { type: 'string', default: 'cuda' }, bundle: { type: 'string', default: 'starter' } },
});
const repository = await openFolderRepository(fileURLToPath(new URL('../../models', import.meta.url)));
const bundle = await repository.load(flags.bundle);
const provider = flags.provider as OnnxProvider;
const gpu = await openOnnxInference({ bundle, provider, workers: 1 });
const cpu = await openOnnxInference({ bundle, provider: 'cpu', workers: 1 });
const filled = new Map<string, NamedTensors>();
const results: BenchResult[] = [];
for (const graph of Object.keys(bundle.manifest.graphs)) {
  results.push(...(await parity(graph)), ...(await throughput(graph)));
}
results.push(await embedded());
await Promise.all([gpu.close(), cpu.close()]);
const tf32 = process.env.NVIDIA_TF32_OVERRIDE ?? 'unset';
const about = { ...machine(), gpu: gpuName(), NVIDIA_TF32_OVERRIDE: tf32 };
process.stdout.write(
  `${JSON.stringify({ name: `gpu-${provider}`, machine: about, versions: versions(), results })}\n`,
);

async function parity(graph: string): Promise<BenchResult[]> {
  const largest = Math.max(...bucketsOf(graph));
  const [there, here] = [
    await gpu.run(graph, rowsOf(graph, largest)),
    await cpu.run(graph, rowsOf(graph, largest)),
  ];
  return Object.entries(here).map(([name, { data }]) => {
    const differences = Array.from(data, (value, i) =>
      Math.abs(value - (there[name]?.data[i] ?? Number.NaN)),
    );
    return summary(
      `${graph}.${name}: largest difference between cpu and ${provider}, ${largest} rows`,
      'absolute',
      [Math.max(...differences)],
    );
  });
}

async function throughput(graph: string): Promise<BenchResult[]> {
  const lines: BenchResult[] = [];
  for (const rows of bucketsOf(graph)) {
    lines.push(summary(`${graph}, ${rows} rows, ${provider}`, 'rows/s', await rates(gpu, graph, rows)));
    lines.push(summary(`${graph}, ${rows} rows, cpu, one thread`, 'rows/s', await rates(cpu, graph, rows)));
  }
  return lines;
}

/** The first run of a shape is not counted: that is where the provider looks for its algorithms. */
async function rates(inference: Inference, graph: string, rows: number): Promise<number[]> {
  await inference.run(graph, rowsOf(graph, rows));
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const started = performance.now();
    let runs = 0;
    for (; performance.now() - started < SAMPLE_MS; runs++) await inference.run(graph, rowsOf(graph, rows));
    samples.push((runs * rows) / ((performance.now() - started) / 1_000));
  }
  return samples;
}

/** The graphs over media of one upload, from many uploads at once, joined by the batcher as `up` does. */
async function embedded(): Promise<BenchResult> {
  const { policies } = inferenceProfile(bundle.manifest, { provider, cores: 1 });
  const runner = createBatchingRunner({ inference: gpu, policies });
  const frames = bundle.manifest.extractionPlan.video.select.atMs.length;
  const media = Object.entries(bundle.manifest.graphs)
    .filter(
      ([, { text, inputs }]) => text === undefined && inputs.every(({ feature }) => feature === undefined),
    )
    .map(([name, { inputs }]) => ({
      name,
      rows: inputs.some((input) => input.name === 'frames') ? frames : 1,
    }));
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const started = performance.now();
    let done = 0;
    await Promise.all(
      Array.from({ length: UPLOADS_AT_ONCE }, async () => {
        for (; performance.now() - started < SAMPLE_MS; done++) {
          await Promise.all(media.map(({ name, rows }) => runner.run(name, rowsOf(name, rows))));
        }
      }),
    );
    samples.push(done / ((performance.now() - started) / 1_000));
  }
  await runner.close('drain');
  return summary(`embed stage, ${UPLOADS_AT_ONCE} uploads at once, ${provider}`, 'uploads/s', samples);
}

function bucketsOf(graph: string): readonly number[] {
  return bundle.manifest.graphs[graph]?.buckets ?? [];
}

/** Copies, since inference takes the buffers over. */
function rowsOf(graph: string, rows: number): NamedTensors {
  const key = `${graph} ${rows}`;
  const made = filled.get(key) ?? randomRows(bundle, graph, rows);
  filled.set(key, made);
  return Object.fromEntries(
    Object.entries(made).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() } as Tensor]),
  );
}

function randomRows({ manifest }: LoadedBundle, graph: string, rows: number): NamedTensors {
  const random = seededRandom(SEED);
  const length = manifest.graphs[graph]?.text?.lengths[0] ?? 1;
  const inputs = manifest.graphs[graph]?.inputs ?? [];
  return Object.fromEntries(
    inputs.map(({ name, type, shape }) => {
      const dims = [rows, ...shape.slice(1).map((dim) => (typeof dim === 'number' ? dim : length))];
      const size = dims.reduce((product, dim) => product * dim, 1);
      const data =
        type === 'uint8'
          ? Uint8Array.from({ length: size }, () => Math.floor(random() * 256))
          : type === 'int32'
            ? new Int32Array(size).fill(1)
            : Float32Array.from({ length: size }, () => random() - 0.5);
      return [name, { type, dims, data } as Tensor];
    }),
  );
}

function gpuName(): string {
  try {
    const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'];
    return execFileSync('nvidia-smi', query, { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown: nvidia-smi cannot be run';
  }
}
