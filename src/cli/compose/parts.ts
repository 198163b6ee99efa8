/** The parts of an engine, each opened by the option that names it. Adapters load when they are opened. */
import type { DecoderChoice, Provider, RunOptions } from '../../config/options.ts';
import { FirstFiveError, toFirstFiveError } from '../../core/errors.ts';
import type { InferencePolicy } from '../../runtime/topology.ts';
import type { GraphRunner } from '../../stages/embed/graph-runner.ts';
import type { Decoder } from '../../stages/extract/decoder.ts';
import type { LoadedBundle, ModelRepository } from '../../stages/model-repository.ts';

export async function openRepository(options: Pick<RunOptions, 'models'>): Promise<ModelRepository> {
  const { openFolderRepository } = await import('../../adapters/model-repository/folder-repository.ts');
  return openFolderRepository(options.models.path);
}

export async function openBundle(options: RunOptions, reference: string): Promise<LoadedBundle> {
  return (await openRepository(options)).load(reference);
}

/** `auto` takes node-av where it can be loaded, else the ffmpeg command; a choice by name is never replaced. */
export async function openDecoder(choice: DecoderChoice, children: number): Promise<Decoder> {
  if (choice === 'ffmpeg') return openFfmpeg(children);
  const { createLibavDecoder } = await import('../../adapters/media-libav/decoder.ts');
  try {
    return await createLibavDecoder({ children });
  } catch (thrown) {
    const { code, message } = toFirstFiveError(thrown);
    if (choice === 'libav' || code !== 'DECODER_UNAVAILABLE') throw thrown;
    return openFfmpeg(children).catch((ffmpeg: unknown) => {
      throw new FirstFiveError('DECODER_UNAVAILABLE', `${message}; ${toFirstFiveError(ffmpeg).message}`);
    });
  }
}

async function openFfmpeg(children: number): Promise<Decoder> {
  const { createFfmpegDecoder } = await import('../../adapters/media-ffmpeg/decoder.ts');
  return createFfmpegDecoder({ children });
}

export interface Embedder {
  readonly runner: GraphRunner;
  close(): Promise<void>;
}

/** The execution provider asked for, or `PROVIDER_UNAVAILABLE`: never another one. */
export async function openInference(
  bundle: LoadedBundle,
  provider: Provider,
  policy: InferencePolicy,
  cores: number,
): Promise<Embedder> {
  const [{ openOnnxInference }, { createBatchingRunner }, { inferenceProfile }] = await Promise.all([
    import('../../adapters/inference-onnx/open.ts'),
    import('../../adapters/inference-onnx/batching-runner.ts'),
    import('../../adapters/inference-onnx/profile.ts'),
  ]);
  const { policies, ...layout } = inferenceProfile(bundle.manifest, { provider, cores }, policy);
  const inference = await openOnnxInference({ bundle, provider, ...layout });
  const runner = createBatchingRunner({ inference, policies });
  return {
    runner,
    close: async () => {
      await runner.close('reject');
      await inference.close();
    },
  };
}
