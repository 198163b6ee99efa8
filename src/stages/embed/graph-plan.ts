/**
 * The graphs of a bundle as a plan: what each reads, and in which order they run.
 *
 * G1. A graph reads media, one text, or features of the same upload; never two of these.
 * G2. A graph over features runs after the graphs that yield them; a circle is refused.
 */
import type { BundleManifest, FeatureManifest, GraphManifest, TextGraphManifest } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { MediaModality } from '../../core/extraction.ts';
import { assertFeatureInputs } from './feature-rows.ts';
import { graphModalities } from './graph-rows.ts';
import { requireEncoder, type UploadTextEncoder, type UploadTextEncoders } from './text-encoders.ts';
import { assertTextInputs } from './text-rows.ts';

interface PlannedBase {
  readonly name: string;
  readonly graph: GraphManifest;
  /** What is kept of its outputs, in the manifest's order. */
  readonly features: readonly FeatureManifest[];
}

export interface MediaGraph extends PlannedBase {
  readonly reads: 'media';
  readonly needs: readonly MediaModality[];
}

export interface TextGraph extends PlannedBase {
  readonly reads: 'text';
  readonly text: TextGraphManifest;
  readonly encoder: UploadTextEncoder;
}

export interface FeatureGraph extends PlannedBase {
  readonly reads: 'features';
}

export type PlannedGraph = MediaGraph | TextGraph | FeatureGraph;

/** Waves: the graphs of one wave run at the same time, after those of the waves before. `BUNDLE_INVALID` says what does not fit. */
export function planGraphs(
  manifest: BundleManifest,
  encoders: UploadTextEncoders,
): readonly (readonly PlannedGraph[])[] {
  const waiting = new Set(
    Object.entries(manifest.graphs).map(([name, graph]) => planGraph(name, graph, { manifest, encoders })),
  );
  const yielded = new Set<string>();
  const waves: PlannedGraph[][] = [];
  while (waiting.size > 0) {
    const wave = [...waiting].filter((one) => one.graph.inputs.every(isReady));
    if (wave.length === 0)
      throw invalid([...waiting][0]?.name ?? '', 'reads, by way of others, its own features');
    for (const one of wave) waiting.delete(one);
    for (const one of wave) for (const feature of one.features) yielded.add(feature.name);
    waves.push(wave);
  }
  return waves;

  function isReady({ feature }: { readonly feature?: string }): boolean {
    return feature === undefined || yielded.has(feature);
  }
}

interface PlanContext {
  readonly manifest: BundleManifest;
  readonly encoders: UploadTextEncoders;
}

function planGraph(name: string, graph: GraphManifest, { manifest, encoders }: PlanContext): PlannedGraph {
  const features = manifest.features.filter(({ from }) => from.startsWith(`${name}.`));
  const overFeatures = graph.inputs.some((input) => input.feature !== undefined);
  if (graph.text !== undefined && overFeatures) throw invalid(name, 'reads text and features at once');
  for (const feature of features) {
    if ((feature.reading !== undefined) === (graph.text !== undefined)) continue;
    throw invalid(
      name,
      `reads ${graph.text === undefined ? 'no text' : 'text'}; see the reading of feature ${feature.name}`,
    );
  }
  if (graph.text !== undefined) {
    assertTextInputs(name, graph);
    const encoder = requireEncoder(name, graph.text, encoders);
    return { reads: 'text', name, graph, features, text: graph.text, encoder };
  }
  if (overFeatures) {
    assertFeatureInputs(name, graph, manifest);
    return { reads: 'features', name, graph, features };
  }
  if (graph.occlusion !== undefined) throw invalid(name, 'reads no features, so nothing can be taken away');
  return {
    reads: 'media',
    name,
    graph,
    features,
    needs: graphModalities(name, graph, manifest.extractionPlan),
  };
}

function invalid(name: string, reason: string): FirstFiveError {
  return new FirstFiveError('BUNDLE_INVALID', `graph ${name}: ${reason}`);
}
