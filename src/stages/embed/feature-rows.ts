/** Rows of a graph that reads features of the same upload: inputs float32 `[n, dim]`, each filled by one feature. */
import type { BundleManifest, GraphManifest, TensorSpec } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { Embedding } from '../../core/features.ts';
import type { NamedTensors } from './inference.ts';

/** Rows that one upload makes: 1, or with occlusion everything, all but each group, nothing. */
export function featureRowCount({ occlusion }: Pick<GraphManifest, 'occlusion'>): number {
  return occlusion === undefined ? 1 : occlusion.length + 2;
}

/** `BUNDLE_INVALID` when an input is not filled by a feature of its size, or occlusion names no input. */
export function assertFeatureInputs(name: string, graph: GraphManifest, manifest: BundleManifest): void {
  const refuse = (reason: string) => new FirstFiveError('BUNDLE_INVALID', `graph ${name}: ${reason}`);
  for (const input of graph.inputs) {
    const feature = manifest.features.find((one) => one.name === input.feature);
    if (feature === undefined) throw refuse(`input ${input.name} is filled by no feature of the bundle`);
    const shape = input.shape.join(', ');
    if (input.type !== 'float32' || shape !== `n, ${feature.dim}`) {
      const yields = `${feature.name} yields float32 [n, ${feature.dim}]`;
      throw refuse(`input ${input.name} wants ${input.type} [${shape}], ${yields}`);
    }
  }
  for (const taken of graph.occlusion?.flat() ?? []) {
    if (!graph.inputs.some((input) => input.name === taken))
      throw refuse(`occlusion names no input ${taken}`);
  }
}

/** Undefined when the upload has none of the features: there is nothing to run on. */
export function featureRows(
  graph: GraphManifest,
  embeddings: ReadonlyMap<string, Embedding>,
): NamedTensors | undefined {
  if (!graph.inputs.some((input) => embeddings.has(input.feature ?? ''))) return undefined;
  const count = featureRowCount(graph);
  return Object.fromEntries(
    graph.inputs.map((input) => {
      const dim = width(input);
      const data = new Float32Array(count * dim);
      const values = embeddings.get(input.feature ?? '')?.values;
      for (let row = 0; row < count && values !== undefined; row++) {
        if (isThere(input.name, row, graph)) data.set(values, row * dim);
      }
      return [input.name, { type: 'float32', dims: [count, dim], data }];
    }),
  );
}

/** Row 0 has everything, row i all but group i, the last one nothing. */
function isThere(input: string, row: number, { occlusion = [] }: GraphManifest): boolean {
  if (row === 0) return true;
  return row <= occlusion.length && !occlusion[row - 1]?.includes(input);
}

function width({ shape: [, dim] }: TensorSpec): number {
  return typeof dim === 'number' ? dim : 0;
}
