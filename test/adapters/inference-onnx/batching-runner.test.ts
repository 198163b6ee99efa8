import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBatchingRunner } from '../../../src/adapters/inference-onnx/batching-runner.ts';
import { openOnnxInference } from '../../../src/adapters/inference-onnx/open.ts';
import type { BatchReport } from '../../../src/runtime/batcher.ts';
import type { Inference } from '../../../src/stages/embed/inference.ts';
import { toyBundle, toyExpected, toyRows } from '../../support/toy-bundle.ts';

let inference: Inference;
beforeAll(async () => {
  inference = await openOnnxInference({ bundle: toyBundle(), provider: 'cpu', workers: 1 });
});
afterAll(() => inference.close());

function open() {
  const reports: BatchReport[] = [];
  const toy = { maxItems: 8, maxRows: 64, maxBytes: 1e6, maxDelayMs: 20, maxInFlight: 1 };
  const runner = createBatchingRunner({
    inference,
    policies: { toy },
    onBatch: (_graph, report) => reports.push(report),
  });
  return { runner, reports };
}

const upload = (size: number, start: number, index = 1) =>
  Array.from({ length: size }, (_, i) => ({ x: start + i, index: index + i }));

describe('the batching runner', () => {
  it('joins rows of several uploads and hands each its own back', async () => {
    const { runner, reports } = open();
    const uploads = [upload(2, 10), upload(1, 20), upload(3, 30), upload(1, 40)];
    const results = await Promise.all(uploads.map((rows) => runner.run('toy', toyRows(rows))));
    for (const [i, rows] of uploads.entries()) {
      expect([...(results[i]?.y?.data ?? [])]).toEqual(toyExpected(rows).y);
      expect(results[i]?.y?.dims).toEqual([rows.length, 4]);
    }
    expect(reports).toMatchObject([{ items: 4, rows: 7 }]);
  });

  it('leaves the caller’s rows as they were', async () => {
    const rows = toyRows(upload(4, 1));
    await open().runner.run('toy', rows);
    expect([...(rows.x?.data ?? [])]).toEqual([...(toyRows(upload(4, 1)).x?.data ?? [])]);
  });

  it('fails the one upload that the graph cannot take, and scores its neighbours', async () => {
    const { runner } = open();
    const uploads = [upload(2, 1), upload(1, 1, 99), upload(1, 5), upload(1, 7), upload(2, 9)];
    const results = await Promise.allSettled(uploads.map((rows) => runner.run('toy', toyRows(rows))));
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect(results[1]).toMatchObject({ reason: { code: 'INFERENCE_FAILED', kind: 'retryable' } });
  });

  it('fails the upload whose rows are not finite, and no other', async () => {
    const { runner } = open();
    const bad = [
      { x: 1, index: 1 },
      { x: Number.NaN, index: 1 },
    ];
    const results = await Promise.allSettled(
      [upload(2, 1), bad, upload(1, 3)].map((rows) => runner.run('toy', toyRows(rows))),
    );
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'VALUE_NOT_FINITE', kind: 'terminal' } });
  });

  it('does not join tensors of different shapes silently', async () => {
    const { runner } = open();
    const odd = {
      ...toyRows(upload(1, 1)),
      x: { type: 'float32', dims: [1, 5], data: new Float32Array(5) } as const,
    };
    const results = await Promise.allSettled([
      runner.run('toy', toyRows(upload(1, 1))),
      runner.run('toy', odd),
    ]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected']);
  });

  it('knows no graph that has no policy', async () => {
    await expect(open().runner.run('other', toyRows(upload(1, 1)))).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
    });
  });

  it('runs what waits when it is drained', async () => {
    const { runner } = open();
    const last = runner.run('toy', toyRows(upload(1, 2)));
    expect(runner.depth()).toEqual({ waiting: 1, inFlight: 0 });
    await runner.close('drain');
    expect([...((await last).y?.data ?? [])]).toEqual(toyExpected(upload(1, 2)).y);
  });
});

describe('rows of different shapes', () => {
  it('form batches of their own, and each text gets its own back', async () => {
    const batches: number[][] = [];
    const echo: Inference = {
      executionProvider: 'cpu',
      run: async (_graph, { ids }) => {
        batches.push([...(ids?.dims ?? [])]);
        const [count = 0, width = 0] = ids?.dims ?? [];
        const data = Float32Array.from({ length: count }, (_, i) => ids?.data[i * width] ?? Number.NaN);
        return { first: { type: 'float32', dims: [count, 1], data } };
      },
      close: async () => {},
    };
    const texts = { maxItems: 8, maxRows: 64, maxBytes: 1e6, maxDelayMs: 20, maxInFlight: 1 };
    const runner = createBatchingRunner({ inference: echo, policies: { texts } });
    const row = (first: number, length: number) => ({
      ids: {
        type: 'int32' as const,
        dims: [1, length],
        data: Int32Array.from({ length }, (_, i) => first + i),
      },
    });
    const lengths = [16, 32, 16, 16, 32];
    const results = await Promise.all(lengths.map((length, i) => runner.run('texts', row(100 * i, length))));
    expect(results.map(({ first }) => first?.data[0])).toEqual([0, 100, 200, 300, 400]);
    expect(batches.toSorted((a, b) => (a[1] ?? 0) - (b[1] ?? 0))).toEqual([
      [3, 16],
      [2, 32],
    ]);
    await runner.close('drain');
    await expect(runner.run('texts', row(0, 64))).rejects.toMatchObject({ kind: 'systemic' });
  });
});
