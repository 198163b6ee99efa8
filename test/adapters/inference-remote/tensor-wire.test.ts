import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeInferResponse,
  encodeInferRequest,
} from '../../../src/adapters/inference-remote/tensor-wire.ts';
import type { TensorSpec } from '../../../src/core/bundle.ts';

const SPEC: TensorSpec = { name: 'y', type: 'float32', shape: ['n', 2] };

function response(outputs: unknown, binary: Uint8Array = new Uint8Array()): [Uint8Array, number] {
  const header = Buffer.from(JSON.stringify({ model_name: 'm', outputs }));
  return [Buffer.concat([header, binary]), header.length];
}

function float(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

describe('the wire of the Open Inference Protocol', () => {
  it('carries tensors of every type there and back, bit for bit', () => {
    const rows = fc.integer({ min: 1, max: 5 });
    const row = fc.array(fc.float({ noNaN: true }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(
        rows.chain((n) => fc.array(row, { minLength: n, maxLength: n })),
        (values) => {
          const data = Float32Array.from(values.flat());
          const body = encodeInferRequest({ y: { type: 'float32', dims: [values.length, 2], data } }, [SPEC]);
          const request = JSON.parse(Buffer.from(body.bytes.subarray(0, body.headerLength)).toString());
          const [bytes, end] = response(request.inputs, body.bytes.subarray(body.headerLength));
          expect(decodeInferResponse(bytes, end, [SPEC], values.length).y?.data).toEqual(data);
        },
      ),
    );
  });

  it('states name, shape, type and size of every input, and asks for binary outputs', () => {
    const body = encodeInferRequest(
      {
        a: { type: 'uint8', dims: [1, 3], data: Uint8Array.of(1, 2, 3) },
        b: { type: 'int32', dims: [1, 1], data: Int32Array.of(-2) },
      },
      [SPEC],
    );
    expect(JSON.parse(Buffer.from(body.bytes.subarray(0, body.headerLength)).toString())).toEqual({
      inputs: [
        { name: 'a', shape: [1, 3], datatype: 'UINT8', parameters: { binary_data_size: 3 } },
        { name: 'b', shape: [1, 1], datatype: 'INT32', parameters: { binary_data_size: 4 } },
      ],
      outputs: [{ name: 'y', parameters: { binary_data: true } }],
    });
    expect([...body.bytes.subarray(body.headerLength)]).toEqual([1, 2, 3, 0xfe, 0xff, 0xff, 0xff]);
  });

  it('reads an answer in JSON from a server without the binary extension', () => {
    const [bytes] = response([
      {
        name: 'y',
        datatype: 'FP32',
        shape: [2, 2],
        data: [
          [1, 2],
          [3, 4],
        ],
      },
    ]);
    expect(decodeInferResponse(bytes, undefined, [SPEC], 2).y?.data).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it('passes over outputs that nobody asked for', () => {
    const [bytes, end] = response(
      [
        { name: 'other', datatype: 'FP32', shape: [1, 1], parameters: { binary_data_size: 4 } },
        { name: 'y', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } },
      ],
      float(9, 1, 2),
    );
    expect(decodeInferResponse(bytes, end, [SPEC], 1)).toEqual({
      y: { type: 'float32', dims: [1, 2], data: Float32Array.of(1, 2) },
    });
  });

  const y = { name: 'y', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } };
  it.each<[string, [Uint8Array, number | undefined]]>([
    ['a missing output', response([])],
    ['another type', response([{ ...y, datatype: 'FP64' }], float(1, 2))],
    [
      'another number of rows',
      response([{ ...y, shape: [2, 2], parameters: { binary_data_size: 16 } }], float(1, 2, 3, 4)),
    ],
    ['another width', response([{ ...y, shape: [1, 3] }], float(1, 2))],
    ['fewer bytes than announced', response([y], float(1))],
    [
      'bytes that are no whole values',
      response([{ ...y, parameters: { binary_data_size: 7 } }], float(1, 2).subarray(0, 7)),
    ],
    ['fewer values than its shape has', response([{ ...y, parameters: { binary_data_size: 4 } }], float(1))],
    ['text among its values', response([{ name: 'y', datatype: 'FP32', shape: [1, 2], data: [1, '2'] }])],
    ['no JSON', [Buffer.from('<html>'), undefined]],
    ['JSON of something else', [Buffer.from('{"error":"x"}'), undefined]],
    ['a header longer than itself', [Buffer.from('{}'), 99]],
    ['a header length that is no number', [Buffer.from('{}'), Number.NaN]],
  ])('refuses an answer with %s', (_what, [bytes, end]) => {
    expect(() => decodeInferResponse(bytes, end, [SPEC], 1)).toThrow(
      expect.objectContaining({ code: 'INFERENCE_FAILED' }),
    );
  });
});
