/** Rows of named tensors: joined, padded, cut. The first dimension is the batch. */
import { FirstFiveError } from '../../core/errors.ts';
import type { NamedTensors, Tensor } from './inference.ts';

type TensorData = Tensor['data'];

/** The batch size that all tensors agree on. `INFERENCE_FAILED` when they do not, or when data and dims disagree. */
export function rowCount(tensors: NamedTensors): number {
  let rows: number | undefined;
  for (const [name, { dims, data }] of Object.entries(tensors)) {
    const size = dims.reduce((product, dim) => product * dim, 1);
    if (dims.length === 0 || size !== data.length) {
      throw new FirstFiveError(
        'INFERENCE_FAILED',
        `tensor ${name}: dims [${dims}] do not hold ${data.length} values`,
      );
    }
    rows ??= dims[0];
    if (dims[0] !== rows)
      throw new FirstFiveError('INFERENCE_FAILED', 'the tensors of a batch differ in rows');
  }
  return rows ?? 0;
}

export function byteCount(tensors: NamedTensors): number {
  let bytes = 0;
  for (const { data } of Object.values(tensors)) bytes += data.byteLength;
  return bytes;
}

/** The rows of all parts, in order, in fresh buffers of `paddedRows` rows (zeros behind the last one). */
export function joinRows(parts: readonly NamedTensors[], paddedRows: number): NamedTensors {
  const first = parts[0];
  if (first === undefined) throw new FirstFiveError('INTERNAL', 'nothing to join');
  return mapTensors(first, (tensor, name) => {
    const width = rowWidth(tensor);
    const data = allocate(tensor.type, width * paddedRows);
    let at = 0;
    for (const part of parts) {
      const other = part[name];
      if (other === undefined || other.type !== tensor.type || rowWidth(other) !== width) {
        throw new FirstFiveError(
          'INFERENCE_FAILED',
          `tensor ${name} differs in type or shape within a batch`,
        );
      }
      data.set(other.data, at);
      at += other.data.length;
    }
    return { type: tensor.type, dims: [paddedRows, ...tensor.dims.slice(1)], data } as Tensor;
  });
}

/** Rows `[from, from + count)` as views of the same buffers. */
export function viewRows(tensors: NamedTensors, from: number, count: number): NamedTensors {
  return mapTensors(tensors, (tensor) => {
    const width = rowWidth(tensor);
    const data = tensor.data.subarray(from * width, (from + count) * width);
    return { type: tensor.type, dims: [count, ...tensor.dims.slice(1)], data } as Tensor;
  });
}

/** Name of the first float tensor that holds NaN or an infinity. */
export function findNotFinite(tensors: NamedTensors): string | undefined {
  for (const [name, { type, data }] of Object.entries(tensors)) {
    if (type === 'float32' && !data.every(Number.isFinite)) return name;
  }
  return undefined;
}

export function mapTensors(
  tensors: NamedTensors,
  change: (tensor: Tensor, name: string) => Tensor,
): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor, name)]));
}

function rowWidth({ dims }: Tensor): number {
  return dims.slice(1).reduce((product, dim) => product * dim, 1);
}

function allocate(type: Tensor['type'], length: number): TensorData {
  switch (type) {
    case 'uint8':
      return new Uint8Array(length);
    case 'float32':
      return new Float32Array(length);
    case 'int32':
      return new Int32Array(length);
  }
}
