/** Parity with a server that nobody here wrote: the same ONNX files, through KServe's Python server and in this process. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openOnnxInference } from '../../../src/adapters/inference-onnx/open.ts';
import { modelName, openRemoteInference } from '../../../src/adapters/inference-remote/open.ts';
import { verifyBundle } from '../../../src/adapters/model-repository/verify.ts';
import type { TensorSpec, TensorType } from '../../../src/core/bundle.ts';
import { seededRandom } from '../../../src/core/random.ts';
import type { Inference, NamedTensors, Tensor } from '../../../src/stages/embed/inference.ts';
import type { LoadedBundle } from '../../../src/stages/model-repository.ts';
import { runCliProcess } from '../../support/cli-process.ts';
import { packageRoot } from '../../support/embedded-run.ts';
import { type KserveServer, startKserve } from '../../support/kserve/kserve-server.ts';
import { starterBundle } from '../../support/starter-bundle.ts';

const SEED = 11;
const INSTALL_MS = 900_000;
/** Another build of ONNX Runtime may order sums differently. */
const TOLERANCE = 1e-4;

describe.runIf(process.env.FIRSTFIVE_TEST_LONG === '1')('KServe', () => {
  let bundle: LoadedBundle;
  let server: KserveServer;
  let remote: Inference;
  let local: Inference;
  beforeAll(async () => {
    bundle = await starterBundle();
    const graphs = Object.entries(bundle.manifest.graphs);
    server = await startKserve(
      Object.fromEntries(
        graphs.map(([name, { file }]) => [modelName(bundle.manifest, name), bundle.filePath(file)]),
      ),
    );
    remote = await openRemoteInference({ bundle, url: server.url, limits: { timeoutMs: 120_000 } });
    local = await openOnnxInference({ bundle, provider: 'cpu', workers: 1 });
  }, INSTALL_MS);
  afterAll(async () => {
    await remote?.close();
    await local?.close();
    await server?.stop();
  });

  it.each(['vision', 'audio'])(
    'gives the same rows for graph %s as this process does',
    async (graph) => {
      const specs = bundle.manifest.graphs[graph]?.inputs ?? [];
      const [there, here] = [
        await remote.run(graph, inputs(specs, 3)),
        await local.run(graph, inputs(specs, 3)),
      ];
      expect(Object.keys(there)).toEqual(Object.keys(here));
      for (const [name, { dims, data }] of Object.entries(here)) {
        expect(there[name]?.dims).toEqual(dims);
        data.forEach((value, i) => {
          expect(Math.abs(value - (there[name]?.data[i] ?? Number.NaN))).toBeLessThan(TOLERANCE);
        });
      }
    },
    300_000,
  );

  it('computes the golden vectors of the bundle', async () => {
    const checks = await verifyBundle(bundle, remote);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  }, 300_000);

  it('scores an upload as local inference does', async () => {
    const sample = join(packageRoot, 'samples', 'bunny.mp4');
    const score = async (...flags: string[]) => {
      const { stdout } = await runCliProcess(['score', sample, '--json', ...flags]);
      return JSON.parse(stdout);
    };
    const [there, here] = [await score('--inference', server.url), await score()];
    expect(there.status).toBe('scored');
    expect(Math.abs(there.ecr - here.ecr)).toBeLessThan(1e-5);
  }, 300_000);
});

function inputs(specs: readonly TensorSpec[], rows: number): NamedTensors {
  const random = seededRandom(SEED);
  return Object.fromEntries(
    specs.map(({ name, type, shape }) => {
      const dims = [rows, ...shape.slice(1).map(Number)];
      const length = dims.reduce((product, dim) => product * dim, 1);
      return [name, { type, dims, data: VALUES[type](length, random) } as Tensor];
    }),
  );
}

const VALUES: Readonly<Record<TensorType, (length: number, random: () => number) => Tensor['data']>> = {
  uint8: (length, random) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
  float32: (length, random) => Float32Array.from({ length }, () => random() - 0.5),
  // Counts of samples.
  int32: (length, random) => Int32Array.from({ length }, () => 40_000 + Math.floor(random() * 40_000)),
};
