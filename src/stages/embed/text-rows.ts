/**
 * One text as a row of a graph that reads text:
 * - `ids` int32 `[n, tokens]`: the tokenizer's ids, zeros behind the last;
 * - `mask` int32 `[n, tokens]`: 1 for each id, 0 behind the last.
 */
import type { GraphManifest, TextGraphManifest } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { NamedTensors } from './inference.ts';

const TEXT_INPUTS = ['ids', 'mask'] as const;

/** `BUNDLE_INVALID` when an input of the graph is not one that a text yields. */
export function assertTextInputs(name: string, graph: GraphManifest): void {
  for (const input of graph.inputs) {
    const shape = input.shape.join(', ');
    const known = TEXT_INPUTS.some((one) => one === input.name);
    if (known && input.type === 'int32' && shape === 'n, tokens') continue;
    throw new FirstFiveError(
      'BUNDLE_INVALID',
      `graph ${name}: input ${input.name} wants ${input.type} [${shape}], a text yields int32 [n, tokens] as ${TEXT_INPUTS.join(' and ')}`,
    );
  }
}

/** One row, padded to the shortest length of `lengths` that holds it. */
export function textRow(ids: Int32Array, { lengths }: TextGraphManifest): NamedTensors {
  const length = lengths.find((one) => one >= ids.length) ?? lengths.at(-1) ?? ids.length;
  const kept = ids.subarray(0, length);
  const padded = new Int32Array(length);
  padded.set(kept);
  const dims = [1, length];
  return {
    ids: { type: 'int32', dims, data: padded },
    mask: { type: 'int32', dims, data: new Int32Array(length).fill(1, 0, kept.length) },
  };
}
