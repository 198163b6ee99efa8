/**
 * Tensors on the wire of the Open Inference Protocol v2 over HTTP, with the binary tensor data extension
 * (Triton Inference Server, "Binary Tensor Data Extension"): a JSON header that names shapes and sizes, then the values of each
 * tensor, row-major and little-endian, one after the other. `Inference-Header-Content-Length` says where the header ends.
 *
 * W1. What a server answers is untrusted: names, types, shapes and sizes are compared with what the graph declares.
 * W2. A server without the extension answers in JSON; that is read as well.
 */
import { z } from 'zod';
import type { TensorSpec, TensorType } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { NamedTensors, Tensor } from '../../stages/embed/inference.ts';

export const HEADER_LENGTH = 'inference-header-content-length';

/** The protocol's names of the types that graphs use. */
export const DATATYPES: Readonly<Record<TensorType, string>> = {
  uint8: 'UINT8',
  float32: 'FP32',
  int32: 'INT32',
};

export interface InferBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of the JSON header at its front. */
  readonly headerLength: number;
}

const encoder = new TextEncoder();

export function encodeInferRequest(inputs: NamedTensors, outputs: readonly TensorSpec[]): InferBody {
  const tensors = Object.entries(inputs);
  const header = encoder.encode(
    JSON.stringify({
      inputs: tensors.map(([name, { type, dims, data }]) => ({
        name,
        shape: dims,
        datatype: DATATYPES[type],
        parameters: { binary_data_size: data.byteLength },
      })),
      outputs: outputs.map(({ name }) => ({ name, parameters: { binary_data: true } })),
    }),
  );
  const size = tensors.reduce((sum, [, { data }]) => sum + data.byteLength, header.length);
  const bytes = new Uint8Array(size);
  bytes.set(header);
  let at = header.length;
  for (const [, { data }] of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return { bytes, headerLength: header.length };
}

const answer = z.object({
  outputs: z.array(
    z.object({
      name: z.string(),
      datatype: z.string(),
      shape: z.array(z.int().min(0)),
      parameters: z.object({ binary_data_size: z.int().min(0).optional() }).nullish(),
      data: z.array(z.unknown()).nullish(),
    }),
  ),
});

type AnsweredTensor = z.infer<typeof answer>['outputs'][number];

/**
 * @param headerLength of the header `Inference-Header-Content-Length`; absent: all of it is JSON
 * @param rows that every output must have
 * @throws `INFERENCE_FAILED` for anything but the outputs declared, whole (W1)
 */
export function decodeInferResponse(
  bytes: Uint8Array,
  headerLength: number | undefined,
  outputs: readonly TensorSpec[],
  rows: number,
): NamedTensors {
  const end = headerLength ?? bytes.length;
  if (!Number.isSafeInteger(end) || end < 0 || end > bytes.length)
    throw malformed('its header length is wrong');
  const answered = parsedAnswer(bytes.subarray(0, end));
  const decoded: Record<string, Tensor> = {};
  let at = end;
  for (const tensor of answered) {
    const spec = outputs.find(({ name }) => name === tensor.name);
    const size = tensor.parameters?.binary_data_size;
    const binary = size === undefined ? undefined : bytes.subarray(at, at + size);
    if (binary !== undefined && binary.length !== size) throw malformed(`tensor ${tensor.name} is cut short`);
    at += size ?? 0;
    if (spec !== undefined) decoded[spec.name] = tensorOf(spec, tensor, rows, binary);
  }
  const missing = outputs.find(({ name }) => decoded[name] === undefined);
  if (missing !== undefined) throw malformed(`it lacks the output ${missing.name}`);
  return decoded;
}

function parsedAnswer(header: Uint8Array): readonly AnsweredTensor[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch {
    throw malformed('its header is not JSON');
  }
  const parsed = answer.safeParse(json);
  if (!parsed.success) throw malformed('its header is not that of an inference response');
  return parsed.data.outputs;
}

function tensorOf(
  spec: TensorSpec,
  given: AnsweredTensor,
  rows: number,
  binary: Uint8Array | undefined,
): Tensor {
  const { name, type } = spec;
  if (given.datatype !== DATATYPES[type])
    throw malformed(`output ${name} has type ${given.datatype}, not ${DATATYPES[type]}`);
  const shape = [rows, ...spec.shape.slice(1)];
  const fits =
    given.shape.length === shape.length &&
    shape.every((dim, i) => typeof dim === 'string' || dim === given.shape[i]);
  if (!fits) throw malformed(`output ${name} has shape [${given.shape}], not [${shape}]`);
  const length = given.shape.reduce((product, dim) => product * dim, 1);
  const data = binary === undefined ? fromJson(type, given.data ?? []) : fromBytes(type, binary);
  if (data.length !== length) throw malformed(`output ${name} holds ${data.length} values, not ${length}`);
  return { type, dims: given.shape, data } as Tensor;
}

/** A copy: the values need not lie aligned in the answer (and `Buffer.slice` is none). */
function fromBytes(type: TensorType, bytes: Uint8Array): Tensor['data'] {
  const { buffer } = new Uint8Array(bytes);
  if (type === 'uint8') return new Uint8Array(buffer);
  if (bytes.length % 4 !== 0) throw malformed('a tensor has no whole number of values');
  return type === 'float32' ? new Float32Array(buffer) : new Int32Array(buffer);
}

function fromJson(type: TensorType, data: readonly unknown[]): Tensor['data'] {
  const values = data.flat(Number.POSITIVE_INFINITY);
  if (!values.every((value): value is number => typeof value === 'number'))
    throw malformed('a tensor holds what is no number');
  if (type === 'uint8') return Uint8Array.from(values);
  return type === 'float32' ? Float32Array.from(values) : Int32Array.from(values);
}

function malformed(what: string): FirstFiveError {
  return new FirstFiveError('INFERENCE_FAILED', `the inference server's answer cannot be used: ${what}`);
}
