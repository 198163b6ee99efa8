import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { type OnnxInferenceOptions, openOnnxInference } from '../../../src/adapters/inference-onnx/open.ts';
import { spawnWorker } from '../../../src/adapters/inference-onnx/worker-slot.ts';
import type { Inference, NamedTensors } from '../../../src/stages/embed/inference.ts';
import { toyBundle, toyExpected, toyRows } from '../../support/toy-bundle.ts';

const opened: Inference[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((inference) => inference.close()));
});

async function open(change: Partial<OnnxInferenceOptions> = {}): Promise<Inference> {
  const inference = await openOnnxInference({ bundle: toyBundle(), provider: 'cpu', workers: 1, ...change });
  opened.push(inference);
  return inference;
}

function values(tensors: NamedTensors) {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, [...tensor.data]]));
}

/** The worker's message handler throws on it, so that the thread dies of an uncaught exception. */
const NOT_A_REQUEST = null;
const rows = (n: number) => Array.from({ length: n }, (_, i) => ({ x: i + 0.5, index: i % 8 }));

describe('inference on ONNX Runtime', () => {
  it.each([1, 2, 3, 4, 5, 9])('gives each of %d rows its own result, whatever the bucket', async (n) => {
    const inference = await open({ workers: 2 });
    const outputs = await inference.run('toy', toyRows(rows(n)));
    expect(values(outputs)).toEqual(toyExpected(rows(n)));
    expect(outputs.y?.dims).toEqual([n, 4]);
  });

  it('takes the input buffers over when they fill a bucket, and leaves shared ones alone', async () => {
    const inference = await open();
    const own = toyRows(rows(2));
    await inference.run('toy', own);
    expect(own.x?.data.byteLength).toBe(0);
    const base = new Float32Array(16).fill(1);
    const shared = {
      ...toyRows(rows(2)),
      x: { type: 'float32', dims: [2, 4], data: base.subarray(4, 12) } as const,
    };
    await inference.run('toy', shared);
    expect(base.byteLength).toBe(64);
  });

  it('makes NaN of the row that holds one, and of no other', async () => {
    const inference = await open();
    const outputs = await inference.run('toy', toyRows([...rows(2), { x: Number.NaN, index: 0 }]));
    const y = [...(outputs.y?.data ?? [])];
    expect(y.slice(0, 8)).toEqual(toyExpected(rows(2)).y);
    expect(y.slice(8).every(Number.isNaN)).toBe(true);
  });

  it('fails one run and goes on with the next', async () => {
    const inference = await open();
    await expect(inference.run('toy', toyRows([{ x: 1, index: 99 }]))).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      kind: 'retryable',
    });
    expect(values(await inference.run('toy', toyRows(rows(1))))).toEqual(toyExpected(rows(1)));
  });

  it('refuses a graph that the bundle does not have', async () => {
    const inference = await open();
    await expect(inference.run('other', toyRows(rows(1)))).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
    });
  });

  it('refuses tensors whose data do not fill their dims', async () => {
    const inference = await open();
    const wrong = {
      ...toyRows(rows(2)),
      x: { type: 'float32', dims: [2, 4], data: new Float32Array(7) } as const,
    };
    await expect(inference.run('toy', wrong)).rejects.toMatchObject({ code: 'INFERENCE_FAILED' });
  });

  it('answers many runs at once, each with its own result', async () => {
    const inference = await open({ workers: 2 });
    const sizes = Array.from({ length: 60 }, (_, i) => 1 + (i % 6));
    const all = await Promise.all(sizes.map((n) => inference.run('toy', toyRows(rows(n)))));
    for (const [i, outputs] of all.entries())
      expect(values(outputs)).toEqual(toyExpected(rows(sizes[i] ?? 0)));
  });

  it('rejects an aborted run with the signal’s reason', async () => {
    const inference = await open();
    const abort = new AbortController();
    const run = inference.run('toy', toyRows(rows(1)), abort.signal);
    abort.abort(new Error('not needed any more'));
    await expect(run).rejects.toThrow('not needed any more');
    await expect(inference.run('toy', toyRows(rows(1)), abort.signal)).rejects.toThrow('not needed any more');
  });
});

describe('an inference worker that dies', () => {
  it('fails what it held and is replaced', async () => {
    const workers: Worker[] = [];
    const inference = await open({
      spawn: (start) => {
        const worker = spawnWorker(start);
        workers.push(worker);
        return worker;
      },
    });
    // Arrives before the run that the idle worker is then given.
    workers[0]?.postMessage(NOT_A_REQUEST);
    const held = inference.run('toy', toyRows(rows(3)));
    const queued = inference.run('toy', toyRows(rows(1)));
    const failed = expect(held).rejects.toMatchObject({ code: 'INFERENCE_FAILED', kind: 'retryable' });
    await failed;
    expect(values(await queued)).toEqual(toyExpected(rows(1)));
    expect(workers.length).toBe(2);
  });

  it('is given up when one batch takes longer than its limit', async () => {
    const inference = await open({ runTimeoutMs: 0 });
    const many = Array.from({ length: 4_000 }, () => ({ x: 1, index: 1 }));
    const slow = inference.run('toy', toyRows(many));
    await expect(slow).rejects.toMatchObject({ code: 'INFERENCE_FAILED' });
  });

  it('takes all work down as a systemic error once no replacement starts', async () => {
    let broken = false;
    const workers: Worker[] = [];
    const inference = await open({
      spawn: (start) => {
        const setup = { ...start.setup, ...(broken ? { graphs: toyBundleGraphs('0'.repeat(64)) } : {}) };
        const worker = spawnWorker({ ...start, setup });
        workers.push(worker);
        return worker;
      },
    });
    broken = true;
    const first = workers[0];
    if (first === undefined) throw new Error('no worker was started');
    first.postMessage(NOT_A_REQUEST);
    await once(first, 'exit').catch(() => once(first, 'exit'));
    await expect(inference.run('toy', toyRows(rows(1)))).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      kind: 'systemic',
    });
    expect(workers.length).toBe(6);
  }, 30_000);
});

describe('opening inference', () => {
  it.each([
    [{ sha256: '0'.repeat(64) }, /has sha256/],
    [{ file: 'absent.onnx' }, /cannot be read/],
    [{ file: 'make.py' }, /has sha256/],
    [{ inputs: [{ name: 'x', type: 'float32', shape: ['n', 4] }] }, /3 inputs in the file, 1 stated/],
    [{ outputs: [{ name: 'y', type: 'float32', shape: ['n', 5] }] }, /output y is float32 \[n,4\]/],
    [{ outputs: [{ name: 'z', type: 'float32', shape: ['n', 4] }] }, /no output tensor named z/],
    [{ outputs: [{ name: 'y', type: 'int32', shape: ['n', 4] }] }, /int32 \[n,4\] stated/],
  ] as const)('refuses a bundle whose file is not what %j states', async (change, reason) => {
    const attempt = openOnnxInference({ bundle: toyBundle(change), provider: 'cpu', workers: 2 });
    await expect(attempt).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      message: expect.stringMatching(reason),
    });
  });

  it('fails when the provider asked for is missing, and names what is missing', async () => {
    const attempt = openOnnxInference({ bundle: toyBundle(), provider: 'cuda', workers: 1 });
    const outcome = await attempt.catch((error: unknown) => error);
    if (outcome instanceof Error) {
      expect(outcome).toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        message: expect.stringMatching(/cuda.*lib/is),
      });
    } else {
      opened.push(await attempt);
      expect((await attempt).executionProvider).toBe('cuda');
    }
  });

  it('fails runs after it was closed', async () => {
    const inference = await open();
    await inference.close();
    await inference.close();
    await expect(inference.run('toy', toyRows(rows(1)))).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      kind: 'systemic',
    });
  });
});

function toyBundleGraphs(sha256: string) {
  const { manifest, filePath } = toyBundle({ sha256 });
  return Object.fromEntries(
    Object.entries(manifest.graphs).map(([name, graph]) => [name, { ...graph, path: filePath(graph.file) }]),
  );
}
