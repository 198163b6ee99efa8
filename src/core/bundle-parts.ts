/** Parts of a bundle that work by themselves. */
import type { BundleManifest, GraphManifest } from './bundle.ts';

export function readsText({ graphs }: Pick<BundleManifest, 'graphs'>): boolean {
  return Object.values(graphs).some((graph) => graph.text !== undefined);
}

/** The bundle without the graphs that media must be decoded for: those that read text, and what is computed from them alone. */
export function textPart(manifest: BundleManifest): BundleManifest {
  const kept = new Map<string, GraphManifest>();
  for (let before = -1; before < kept.size; ) {
    before = kept.size;
    const yielded = new Set(
      manifest.features.flatMap(({ name, from }) => (kept.has(graphOf(from)) ? [name] : [])),
    );
    for (const [name, graph] of Object.entries(manifest.graphs)) {
      const overText = graph.inputs.every(({ feature }) => feature !== undefined && yielded.has(feature));
      if (graph.text !== undefined || overText) kept.set(name, graph);
    }
  }
  const features = manifest.features.filter(({ from }) => kept.has(graphOf(from)));
  return { ...manifest, graphs: Object.fromEntries(kept), features };
}

function graphOf(from: string): string {
  return from.slice(0, from.indexOf('.'));
}
