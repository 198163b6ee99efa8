import { describe, expect, it } from 'vitest';
import { extractionPlan } from '../../../src/adapters/model-repository/plan-schema.ts';
import type { GraphManifest, TensorSpec } from '../../../src/core/bundle.ts';
import type { Extraction } from '../../../src/core/extraction.ts';
import { graphModalities, graphRows } from '../../../src/stages/embed/graph-rows.ts';
import { extraction } from '../../support/upload-fixtures.ts';
import { EVERY_FIT, EVERY_RULE } from '../../support/view-plans.ts';

function graph(...inputs: TensorSpec[]): GraphManifest {
  const outputs: TensorSpec[] = [{ name: 'out', type: 'float32', shape: ['n', 2] }];
  return { file: 'g.onnx', sha256: '0'.repeat(64), inputs, outputs, buckets: [1] };
}

const runs = graph({ name: 'runs', type: 'uint8', shape: ['n', 8, 48, 56, 3] });
const sound = graph(
  { name: 'stretches', type: 'float32', shape: ['n', 48_000] },
  { name: 'stretches.samples', type: 'int32', shape: ['n'] },
);

const extracted: Extraction = {
  ...extraction(),
  views: {
    runs: { type: 'uint8', dims: [2, 8, 48, 56, 3], frames: [], data: new Uint8Array(2 * 8 * 48 * 56 * 3) },
  },
  sounds: { stretches: { sampleRate: 16_000, samples: Float32Array.of(0.5, 0.25) } },
};

describe('views and sounds as graph inputs', () => {
  it('bind by name, with the shape that the plan says', () => {
    expect(graphModalities('g', runs, EVERY_RULE)).toEqual(['video']);
    expect(graphModalities('g', sound, EVERY_FIT)).toEqual(['audio']);
    const rows = graphRows(runs, extracted, EVERY_RULE);
    expect(rows?.runs?.dims).toEqual([2, 8, 48, 56, 3]);
  });

  it('pads a sound and says how much of it is real', () => {
    const rows = graphRows(sound, extracted, EVERY_FIT);
    expect(rows?.stretches?.data.length).toBe(48_000);
    expect([...(rows?.stretches?.data.slice(0, 3) ?? [])]).toEqual([0.5, 0.25, 0]);
    expect(rows?.['stretches.samples']?.data).toEqual(Int32Array.of(2));
  });

  it('leave a graph without rows where its view is not there', () => {
    expect(graphRows(runs, extraction(), EVERY_RULE)).toBeUndefined();
    expect(graphRows(sound, extraction(), EVERY_FIT)).toBeUndefined();
  });

  it('refuse what the plan does not yield, and sizes that differ from upload to upload', () => {
    const other = graph({ name: 'runs', type: 'uint8', shape: ['n', 8, 48, 57, 3] });
    expect(() => graphModalities('g', other, EVERY_RULE)).toThrow(
      /the plan yields uint8 \[n, 8, 48, 56, 3\]/,
    );
    const unknown = graph({ name: 'nothing', type: 'uint8', shape: ['n', 1] });
    expect(() => graphModalities('g', unknown, EVERY_RULE)).toThrow(
      /is not one of frames, wave, samples, times,/,
    );
    const native = graph({ name: 'native', type: 'uint8', shape: ['n', 112, 200, 3] });
    expect(() => graphModalities('g', native, EVERY_FIT)).toThrow(/the size of native is the upload's/);
  });

  it('fit plans that the schema takes', () => {
    expect(extractionPlan.safeParse(EVERY_FIT).success).toBe(true);
  });
});
