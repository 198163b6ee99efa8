/** Runs a bundle's graphs on one upload, wave by wave, and keeps what its features ask for. */
import type { FeatureManifest } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { Extraction, ExtractionPlan } from '../../core/extraction.ts';
import type { Embedding, Timings } from '../../core/features.ts';
import { readText } from '../../core/text/readings.ts';
import type { UploadText } from '../../core/upload.ts';
import { featureRows } from './feature-rows.ts';
import type { MediaGraph, PlannedGraph, TextGraph } from './graph-plan.ts';
import { graphRows, missingModalities } from './graph-rows.ts';
import type { GraphRunner, RunOptions } from './graph-runner.ts';
import type { NamedTensors } from './inference.ts';
import { poolRows } from './pool-rows.ts';
import { textRow } from './text-rows.ts';

/** What there is of an upload to run graphs on; no extraction: its text alone is known. */
export interface GraphInput {
  readonly extraction: Extraction | null;
  /** As `normaliseUploadText` leaves it. */
  readonly text: UploadText;
}

export interface GraphRunContext {
  readonly waves: readonly (readonly PlannedGraph[])[];
  readonly plan: ExtractionPlan;
  readonly runner: GraphRunner;
  /** `name@version` of the bundle. */
  readonly label: string;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

export interface GraphResults {
  /** By feature name. */
  readonly embeddings: ReadonlyMap<string, Embedding>;
  /** `embed.<graph>`, of graphs that ran. */
  readonly timings: Timings;
}

/** A graph whose input is not there does not run, and its features are absent. */
export async function runGraphs(
  context: GraphRunContext,
  input: GraphInput,
  options: RunOptions,
): Promise<GraphResults> {
  const embeddings = new Map<string, Embedding>();
  const timings: Record<string, number> = {};
  for (const wave of context.waves) {
    await Promise.all(
      wave.map(async (one) => {
        const startedAt = context.now();
        const found = await Promise.all(
          graphRuns(one, { input, embeddings, plan: context.plan }).map(async ({ rows, features }) => {
            const outputs = await context.runner.run(one.name, rows, options);
            return features.map((feature) => embeddingOf(feature, one, { outputs, label: context.label }));
          }),
        );
        if (found.length === 0) return;
        for (const embedding of found.flat()) embeddings.set(embedding.name, embedding);
        timings[`embed.${one.name}`] = context.now() - startedAt;
      }),
    );
  }
  return { embeddings, timings };
}

interface GraphRun {
  readonly rows: NamedTensors;
  readonly features: readonly FeatureManifest[];
}

interface Available {
  readonly input: GraphInput;
  readonly embeddings: ReadonlyMap<string, Embedding>;
  readonly plan: ExtractionPlan;
}

function graphRuns(one: PlannedGraph, { input, embeddings, plan }: Available): readonly GraphRun[] {
  switch (one.reads) {
    case 'media':
      return mediaRuns(one, input.extraction, plan);
    case 'text':
      return textRuns(one, input.text);
    case 'features': {
      const rows = featureRows(one.graph, embeddings);
      return rows === undefined ? [] : [{ rows, features: one.features }];
    }
  }
}

function mediaRuns(
  one: MediaGraph,
  extraction: Extraction | null,
  plan: ExtractionPlan,
): readonly GraphRun[] {
  if (extraction === null) return [];
  const missing = missingModalities(extraction);
  if (one.needs.some((modality) => missing.includes(modality))) return [];
  const rows = graphRows(one.graph, extraction, plan);
  return rows === undefined ? [] : [{ rows, features: one.features }];
}

/** One run for each different text: a title alone reads the same as title and description joined. */
function textRuns(one: TextGraph, text: UploadText): readonly GraphRun[] {
  const byContent = Map.groupBy(one.features, (feature) => readText(text, feature));
  byContent.delete(undefined);
  return Array.from(byContent, ([content = '', features]) => ({
    rows: textRow(one.encoder.encode(content), one.text),
    features,
  }));
}

function embeddingOf(
  feature: FeatureManifest,
  { name, graph }: PlannedGraph,
  { outputs, label }: { readonly outputs: NamedTensors; readonly label: string },
): Embedding {
  const output = feature.from.slice(name.length + 1);
  const tensor = outputs[output];
  if (tensor?.type !== 'float32') {
    throw new FirstFiveError('INFERENCE_FAILED', `graph ${name} gave no float32 ${output}`, {
      stage: 'embed',
    });
  }
  return {
    name: feature.name,
    model: `${label}/${name}#${graph.sha256.slice(0, 12)}`,
    values:
      feature.pool === 'concat' ? allRows(tensor.data, feature.dim) : poolRows(tensor.data, feature.dim),
  };
}

/** A copy: embeddings keep no batch alive. */
function allRows(data: Float32Array, dim: number): Float32Array {
  if (data.length === dim) return data.slice();
  throw new FirstFiveError('INFERENCE_FAILED', `${data.length} values where the feature keeps ${dim}`, {
    stage: 'embed',
  });
}
