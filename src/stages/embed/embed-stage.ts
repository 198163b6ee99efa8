/**
 * The embed step: from what was decoded to what is kept of an upload for scoring, now and again later.
 *
 * E1. A missing modality gives no embedding and is named in `missing`; the others are not touched by it.
 * E2. Embeddings own their memory: none keeps a batch alive.
 */
import { planDigest } from '../../core/digest.ts';
import type { Timings, UploadFeatures } from '../../core/features.ts';
import { normaliseUploadText } from '../../core/text/normalise.ts';
import type { DescribedUpload, UploadText } from '../../core/upload.ts';
import type { ExtractedMedia } from '../extract/extract-stage.ts';
import type { LoadedBundle } from '../model-repository.ts';
import { planGraphs } from './graph-plan.ts';
import { missingModalities } from './graph-rows.ts';
import type { GraphRunner, RunOptions } from './graph-runner.ts';
import { type GraphInput, runGraphs } from './run-graphs.ts';
import type { UploadTextEncoders } from './text-encoders.ts';

export interface EmbedStageOptions {
  readonly bundle: Pick<LoadedBundle, 'manifest' | 'label' | 'digest'>;
  readonly runner: GraphRunner;
  /** Of the bundle's tokenizers; none for a bundle whose graphs read no text. */
  readonly encoders?: UploadTextEncoders;
  /** Milliseconds, monotonic; only differences count. */
  readonly now?: () => number;
}

export interface EmbedStage {
  /** `INFERENCE_FAILED`, or `VALUE_NOT_FINITE` when a graph gives NaN or an infinity for this upload. */
  embed(upload: DescribedUpload, extracted: ExtractedMedia, options?: RunOptions): Promise<UploadFeatures>;
  /** What the graphs make of text alone, normalised here: for uploads whose media is not looked at. */
  embedText(
    text: UploadText,
    options?: RunOptions,
  ): Promise<Pick<UploadFeatures, 'text' | 'embeddings' | 'timings'>>;
}

/** `BUNDLE_INVALID` when a graph wants what neither the bundle's plan, nor a text, nor its features yield. */
export function createEmbedStage({
  bundle,
  runner,
  encoders = new Map(),
  now = () => performance.now(),
}: EmbedStageOptions): EmbedStage {
  const { manifest, label } = bundle;
  const plan = manifest.extractionPlan;
  const graphs = { waves: planGraphs(manifest, encoders), plan, runner, label, now };
  const digest = planDigest(plan);

  async function run(input: GraphInput, options: RunOptions) {
    const startedAt = now();
    const { embeddings, timings } = await runGraphs(graphs, input, options);
    const inOrder = manifest.features.flatMap(({ name }) => embeddings.get(name) ?? []);
    return { text: input.text, embeddings: inOrder, timings: { ...timings, embed: now() - startedAt } };
  }

  return {
    embed: async (upload, extracted, options = {}) => {
      const { extraction, mediaEtag, decoderBuild } = extracted;
      const text = normaliseUploadText(upload.text);
      const { embeddings, timings } = await run({ extraction, text }, options);
      return {
        uploadId: upload.uploadId,
        revision: upload.revision,
        uploadedAt: upload.uploadedAt,
        mediaEtag,
        text,
        probe: extraction.probe,
        signals: extraction.signals,
        missing: missingModalities(extraction),
        embeddings,
        producer: {
          bundle: label,
          bundleDigest: bundle.digest,
          planDigest: digest,
          decoderBuild,
          executionProvider: runner.executionProvider,
        },
        timings: { ...extractTimings(extracted), ...timings },
      };
    },
    embedText: (text, options = {}) => run({ extraction: null, text: normaliseUploadText(text) }, options),
  };
}

function extractTimings({ extraction, tookMs }: ExtractedMedia): Timings {
  const steps = Object.entries(extraction.timings).map(([step, ms]) => [`extract.${step}`, ms]);
  return { extract: tookMs, ...Object.fromEntries(steps) };
}
