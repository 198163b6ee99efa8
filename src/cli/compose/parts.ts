/** The parts of an engine, each opened by the option that names it. Adapters load when they are opened. */
import type { RunOptions } from '../../config/options.ts';
import type { InferencePolicy } from '../../runtime/topology.ts';
import type { GraphRunner } from '../../stages/embed/graph-runner.ts';
import type { Inference } from '../../stages/embed/inference.ts';
import type { LoadedBundle, ModelRepository } from '../../stages/model-repository.ts';

export async function openRepository(options: Pick<RunOptions, 'models'>): Promise<ModelRepository> {
  const { openFolderRepository } = await import('../../adapters/model-repository/folder-repository.ts');
  return openFolderRepository(options.models.path);
}

export async function openBundle(options: RunOptions, reference: string): Promise<LoadedBundle> {
  return (await openRepository(options)).load(reference);
}

export interface Embedder {
  readonly runner: GraphRunner;
  close(): Promise<void>;
}

type InferenceOptions = Pick<RunOptions, 'provider' | 'inference'>;

/** The execution provider asked for, or the server, or `PROVIDER_UNAVAILABLE`: never another one. */
export async function openInference(
  bundle: LoadedBundle,
  options: InferenceOptions,
  policy: InferencePolicy,
  cores: number,
): Promise<Embedder> {
  const [{ createBatchingRunner }, { inferenceProfile }] = await Promise.all([
    import('../../adapters/inference-onnx/batching-runner.ts'),
    import('../../adapters/inference-onnx/profile.ts'),
  ]);
  const provider = options.inference.kind === 'remote' ? 'remote' : options.provider;
  const { policies, ...layout } = inferenceProfile(bundle.manifest, { provider, cores }, policy);
  const inference = await openGraphs(bundle, options, layout);
  const runner = createBatchingRunner({ inference, policies });
  return {
    runner,
    close: async () => {
      await runner.close('reject');
      await inference.close();
    },
  };
}

export interface InferenceLayout {
  readonly workers: number;
  readonly intraOpThreads: number;
  readonly buckets?: Readonly<Record<string, readonly number[]>>;
}

/** The graphs of a bundle as they are, without joining uploads into batches. */
export async function openGraphs(
  bundle: LoadedBundle,
  { inference, provider }: InferenceOptions,
  layout: InferenceLayout,
): Promise<Inference> {
  if (inference.kind === 'remote') {
    const { openRemoteInference } = await import('../../adapters/inference-remote/open.ts');
    return openRemoteInference({ bundle, url: inference.url });
  }
  const { openOnnxInference } = await import('../../adapters/inference-onnx/open.ts');
  return openOnnxInference({ bundle, provider, ...layout });
}
