/** The toy graph of test/golden/inference as a bundle's graph source, and rows for it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { GraphSource } from '../../src/adapters/inference-onnx/open.ts';
import type { GraphManifest } from '../../src/core/bundle.ts';
import { sha256Hex } from '../../src/core/digest.ts';
import type { NamedTensors } from '../../src/stages/embed/inference.ts';

const folder = new URL('../golden/inference/', import.meta.url);

export function toyGraph(change: Partial<GraphManifest> = {}): GraphManifest {
  return {
    file: 'toy.onnx',
    sha256: sha256Hex(readFileSync(new URL('toy.onnx', folder))),
    inputs: [
      { name: 'x', type: 'float32', shape: ['n', 4] },
      { name: 'index', type: 'int32', shape: ['n'] },
      { name: 'bytes', type: 'uint8', shape: ['n', 2] },
    ],
    outputs: [
      { name: 'y', type: 'float32', shape: ['n', 4] },
      { name: 'total', type: 'float32', shape: ['n', 1] },
    ],
    buckets: [1, 2, 4],
    ...change,
  };
}

export function toyBundle(change: Partial<GraphManifest> = {}): GraphSource {
  return {
    manifest: { graphs: { toy: toyGraph(change) } },
    filePath: (file) => fileURLToPath(new URL(file, folder)),
  };
}

/** One row of the toy graph per entry; `index` outside 0..7 makes the whole run fail. */
export function toyRows(rows: readonly { readonly x: number; readonly index: number }[]): NamedTensors {
  const n = rows.length;
  return {
    x: { type: 'float32', dims: [n, 4], data: Float32Array.from(rows.flatMap(({ x }) => [x, x, x, x])) },
    index: { type: 'int32', dims: [n], data: Int32Array.from(rows.map(({ index }) => index)) },
    bytes: {
      type: 'uint8',
      dims: [n, 2],
      data: Uint8Array.from(rows.flatMap(({ index }) => [1, Math.abs(index) % 8])),
    },
  };
}

/** What the graph gives for these rows, computed here. */
export function toyExpected(rows: readonly { readonly x: number; readonly index: number }[]) {
  return {
    y: rows.flatMap(({ x, index }) => [0, 1, 2, 3].map((c) => 2 * x + 10 * index + c)),
    total: rows.map(({ index }) => 1 + (Math.abs(index) % 8)),
  };
}
