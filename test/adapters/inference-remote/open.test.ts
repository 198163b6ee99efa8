import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRemoteInference } from '../../../src/adapters/inference-remote/open.ts';
import type { ServerLimits } from '../../../src/adapters/inference-remote/server.ts';
import type { GraphManifest } from '../../../src/core/bundle.ts';
import type { Inference, NamedTensors } from '../../../src/stages/embed/inference.ts';
import { FakeClock } from '../../../src/testing/fake-clock.ts';
import {
  answer,
  doubled,
  type FakeInferenceServer,
  startInferenceServer,
} from '../../support/inference-server.ts';

const GRAPH: GraphManifest = {
  file: 'g.onnx',
  sha256: '',
  inputs: [{ name: 'x', type: 'float32', shape: ['n', 2] }],
  outputs: [{ name: 'y', type: 'float32', shape: ['n', 2] }],
  buckets: [1, 4],
};
const bundle = { manifest: { name: 'toy', version: '1.0.0', graphs: { g: GRAPH } } };
const METADATA = {
  name: 'toy-g',
  platform: 'onnxruntime_onnx',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
};

let server: FakeInferenceServer;
let opened: Inference | undefined;
beforeEach(async () => {
  server = await startInferenceServer(METADATA);
});
afterEach(async () => {
  await opened?.close();
  opened = undefined;
  await server.close();
});

async function open(limits: Partial<ServerLimits> = {}, clock = new FakeClock()): Promise<Inference> {
  opened = await openRemoteInference({ bundle, url: `${server.url}/`, limits, clock });
  return opened;
}

function rows(count: number): NamedTensors {
  return {
    x: { type: 'float32', dims: [count, 2], data: Float32Array.from({ length: 2 * count }, (_, i) => i) },
  };
}

describe('remote inference', () => {
  it('runs a batch on the server, in pieces of the largest bucket, and joins the rows in order', async () => {
    const inference = await open();
    const { y } = await inference.run('g', rows(10));
    expect(y?.dims).toEqual([10, 2]);
    expect([...(y?.data ?? [])]).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
    expect(server.calls.map(({ header }) => header.inputs[0]?.shape[0]).toSorted()).toEqual([2, 4, 4]);
    expect(server.calls[0]?.path).toBe('/v2/models/toy-g/infer');
    expect(inference.executionProvider).toBe('remote');
  });

  it.each<[string, unknown, RegExp]>([
    [
      'lacks an input',
      { ...METADATA, inputs: [{ name: 'z', datatype: 'FP32', shape: [-1, 2] }] },
      /no input x.*wants an input z/,
    ],
    [
      'gives another shape',
      { ...METADATA, outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }] },
      /shape \[-1,3\]/,
    ],
    [
      'takes another type',
      { ...METADATA, inputs: [{ name: 'x', datatype: 'UINT8', shape: [-1, 2] }] },
      /type UINT8, not FP32/,
    ],
    ['is not described as the protocol has it', { model: 'toy' }, /not one of the Open Inference Protocol/],
  ])('is not opened on a model that %s', async (_what, metadata, message) => {
    server.metadata = metadata;
    await expect(open()).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      kind: 'config',
      message: expect.stringMatching(message),
    });
  });

  it('is opened on a server that lists no tensors', async () => {
    server.metadata = { name: 'toy-g' };
    await expect(open()).resolves.toBeDefined();
  });

  it('is not opened where nobody listens, and says where', async () => {
    await server.close();
    await expect(open()).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      kind: 'config',
      message: expect.stringContaining(server.url),
    });
    server = await startInferenceServer(METADATA);
  });

  it.each([429, 503, 404])('blames no upload for a server that answers %i', async (status) => {
    const inference = await open();
    server.respond = (_call, response) => response.writeHead(status).end('later');
    await expect(inference.run('g', rows(1))).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      kind: 'systemic',
    });
  });

  it('blames the request for a 400, with what the server says of it', async () => {
    const inference = await open();
    server.respond = (_call, response) => response.writeHead(400).end('{"error":"bad\\n shape"}');
    await expect(inference.run('g', rows(1))).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      kind: 'retryable',
      message: expect.stringContaining('400: {"error":"bad'),
    });
  });

  it('takes a server that answers 500 to every call for broken, and tries it again after the cool-down', async () => {
    const clock = new FakeClock();
    const inference = await open({ breaker: { failures: 2, coolDownMs: 1_000 } }, clock);
    server.respond = (_call, response) => response.writeHead(500).end('no memory');
    for (let i = 0; i < 2; i++)
      await expect(inference.run('g', rows(1))).rejects.toMatchObject({ code: 'INFERENCE_FAILED' });
    await expect(inference.run('g', rows(1))).rejects.toMatchObject({
      kind: 'systemic',
      message: expect.stringContaining('fails every call'),
    });
    expect(server.calls).toHaveLength(2);
    server.respond = doubled;
    await clock.advance(1_000);
    await expect(inference.run('g', rows(1))).resolves.toHaveProperty('y');
  });

  it('gives up a server that does not answer in time', async () => {
    const inference = await open({ timeoutMs: 1_500 });
    server.respond = () => {};
    await expect(inference.run('g', rows(1))).rejects.toMatchObject({
      kind: 'systemic',
      message: expect.stringContaining('1500 ms'),
    });
  });

  it('gives up an answer that is larger than it can be', async () => {
    const inference = await open();
    server.respond = (_call, response) => answer(response, [], new Uint8Array(1_000_000));
    await expect(inference.run('g', rows(1))).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      message: expect.stringContaining('larger than'),
    });
  });

  it('ends a call with the reason of its signal, and says nothing against the server', async () => {
    const inference = await open({ breaker: { failures: 1, coolDownMs: 60_000 } });
    server.respond = () => {};
    const gaveUp = new AbortController();
    const run = inference.run('g', rows(1), gaveUp.signal);
    setTimeout(() => gaveUp.abort(new Error('revoked')), 50);
    await expect(run).rejects.toThrow('revoked');
    server.respond = doubled;
    await expect(inference.run('g', rows(1))).resolves.toHaveProperty('y');
  });

  it('has no more calls under way than it may', async () => {
    const inference = await open({ maxInFlight: 2 });
    let underWay = 0;
    let most = 0;
    server.respond = (call, response) => {
      most = Math.max(most, ++underWay);
      setTimeout(() => {
        underWay -= 1;
        doubled(call, response);
      }, 20);
    };
    await Promise.all(Array.from({ length: 8 }, () => inference.run('g', rows(1))));
    expect(most).toBe(2);
  });

  it('fails what is under way when it is closed', async () => {
    const inference = await open();
    server.respond = () => {};
    const run = inference.run('g', rows(1));
    setTimeout(() => void inference.close(), 50);
    await expect(run).rejects.toMatchObject({ code: 'INFERENCE_FAILED', kind: 'systemic' });
  });
});
