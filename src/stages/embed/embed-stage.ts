/**
 * The embed step: from what was decoded to what is kept of an upload for scoring, now and again later.
 *
 * E1. A missing modality gives no embedding and is named in `missing`; the others are not touched by it.
 * E2. Embeddings own their memory: none keeps a batch alive.
 */
import type { BundleManifest, FeatureManifest } from '../../core/bundle.ts';
import { planDigest } from '../../core/digest.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { Extraction, MediaModality } from '../../core/extraction.ts';
import type { Embedding, Timings, UploadFeatures } from '../../core/features.ts';
import { normaliseUploadText } from '../../core/text/normalise.ts';
import type { DescribedUpload } from '../../core/upload.ts';
import type { ExtractedMedia } from '../extract/extract-stage.ts';
import type { LoadedBundle } from '../model-repository.ts';
import { graphModalities, graphRows, missingModalities } from './graph-rows.ts';
import type { GraphRunner, RunOptions } from './graph-runner.ts';
import type { NamedTensors } from './inference.ts';
import { poolRows } from './pool-rows.ts';

export interface EmbedStageOptions {
  readonly bundle: Pick<LoadedBundle, 'manifest' | 'label' | 'digest'>;
  readonly runner: GraphRunner;
  /** Milliseconds, monotonic; only differences count. */
  readonly now?: () => number;
}

export interface EmbedStage {
  /** `INFERENCE_FAILED`, or `VALUE_NOT_FINITE` when a graph gives NaN or an infinity for this upload. */
  embed(upload: DescribedUpload, extracted: ExtractedMedia, options?: RunOptions): Promise<UploadFeatures>;
}

/** `BUNDLE_INVALID` when a graph wants what the bundle's own plan does not yield. */
export function createEmbedStage({
  bundle,
  runner,
  now = () => performance.now(),
}: EmbedStageOptions): EmbedStage {
  const { manifest, label } = bundle;
  const plan = manifest.extractionPlan;
  const needs = new Map(
    Object.entries(manifest.graphs).map(([name, graph]) => [name, graphModalities(name, graph, plan)]),
  );
  const digest = planDigest(plan);

  async function runGraphs(extraction: Extraction, missing: readonly MediaModality[], options: RunOptions) {
    const outputs = new Map<string, NamedTensors>();
    const timings: Record<string, number> = {};
    const runnable = Object.entries(manifest.graphs).filter(
      ([name]) => !needs.get(name)?.some((modality) => missing.includes(modality)),
    );
    await Promise.all(
      runnable.map(async ([name, graph]) => {
        const startedAt = now();
        outputs.set(name, await runner.run(name, graphRows(graph, extraction, plan), options));
        timings[`embed.${name}`] = now() - startedAt;
      }),
    );
    return { outputs, timings };
  }

  return {
    embed: async (upload, extracted, options = {}) => {
      const startedAt = now();
      const { extraction, mediaEtag, decoderBuild } = extracted;
      const missing = missingModalities(extraction);
      const { outputs, timings } = await runGraphs(extraction, missing, options);
      return {
        uploadId: upload.uploadId,
        revision: upload.revision,
        uploadedAt: upload.uploadedAt,
        mediaEtag,
        text: normaliseUploadText(upload.text),
        probe: extraction.probe,
        signals: extraction.signals,
        missing,
        embeddings: manifest.features.flatMap((feature) =>
          embeddingOf(feature, outputs, { manifest, label }),
        ),
        producer: {
          bundle: label,
          bundleDigest: bundle.digest,
          planDigest: digest,
          decoderBuild,
          executionProvider: runner.executionProvider,
        },
        timings: { ...extractTimings(extracted), ...timings, embed: now() - startedAt },
      };
    },
  };
}

function embeddingOf(
  feature: FeatureManifest,
  outputs: ReadonlyMap<string, NamedTensors>,
  bundle: { readonly manifest: BundleManifest; readonly label: string },
): readonly Embedding[] {
  const [graph = '', output = ''] = feature.from.split('.');
  const results = outputs.get(graph);
  if (results === undefined) return [];
  const tensor = results[output];
  if (tensor?.type !== 'float32') {
    throw new FirstFiveError('INFERENCE_FAILED', `graph ${graph} gave no float32 ${output}`, {
      stage: 'embed',
    });
  }
  const sha256 = bundle.manifest.graphs[graph]?.sha256 ?? '';
  return [
    {
      name: feature.name,
      model: `${bundle.label}/${graph}#${sha256.slice(0, 12)}`,
      values: poolRows(tensor.data, feature.dim),
    },
  ];
}

function extractTimings({ extraction, tookMs }: ExtractedMedia): Timings {
  const steps = Object.entries(extraction.timings).map(([step, ms]) => [`extract.${step}`, ms]);
  return { extract: tookMs, ...Object.fromEntries(steps) };
}
