/**
 * What an extraction offers to graphs, by input name:
 * - `frames` uint8 `[n, height, width, 3]`: one row per target of the plan;
 * - `wave` float32 `[n, samples of the window]`: one row, mono, zeros behind the last sample;
 * - `samples` int32 `[n]`: how many values of the wave's row are real;
 * - the name of a view or a sound of the plan, and `<sound>.samples`: view-rows.ts.
 */
import type { GraphManifest } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { Extraction, ExtractionPlan, MediaModality } from '../../core/extraction.ts';
import type { NamedTensors, Tensor } from './inference.ts';
import type { RowSource } from './row-source.ts';
import { paddedWave, viewInputs, viewSource } from './view-rows.ts';

const SOURCES: Readonly<Record<string, RowSource>> = {
  frames: {
    modality: 'video',
    type: 'uint8',
    dims: ({ video }) => [video.height, video.width, 3],
    rows: ({ video }) => ({
      type: 'uint8',
      dims: [video?.targets.length ?? 0, video?.height ?? 0, video?.width ?? 0, 3],
      data: video?.pixels ?? new Uint8Array(0),
    }),
  },
  wave: {
    modality: 'audio',
    type: 'float32',
    dims: (plan) => [windowSamples(plan)],
    rows: ({ audio }, plan) => paddedWave(audio?.samples ?? new Float32Array(0), windowSamples(plan)),
  },
  samples: {
    modality: 'audio',
    type: 'int32',
    dims: () => [],
    rows: ({ audio }, plan) => ({
      type: 'int32',
      dims: [1],
      data: Int32Array.of(Math.min(audio?.samples.length ?? 0, windowSamples(plan))),
    }),
  },
};

/** The modalities that a graph needs. `BUNDLE_INVALID` when an input is not one that the plan yields. */
export function graphModalities(
  name: string,
  graph: GraphManifest,
  plan: ExtractionPlan,
): readonly MediaModality[] {
  const modalities = graph.inputs.map((input) => {
    const source = sourceOf(input.name, plan);
    if (source === undefined) {
      const known = [...Object.keys(SOURCES), ...viewInputs(plan)].join(', ');
      throw new FirstFiveError('BUNDLE_INVALID', `graph ${name}: input ${input.name} is not one of ${known}`);
    }
    const yielded = ['n', ...source.dims(plan)].join(', ');
    if (source.type !== input.type || input.shape.join(', ') !== yielded) {
      const wants = `${input.type} [${input.shape.join(', ')}]`;
      throw new FirstFiveError(
        'BUNDLE_INVALID',
        `graph ${name}: input ${input.name} wants ${wants}, the plan yields ${source.type} [${yielded}]`,
      );
    }
    return source.modality;
  });
  return [...new Set(modalities)];
}

/** The rows of one upload; `undefined` where an input is not there. Only for graphs whose modalities are. */
export function graphRows(
  graph: GraphManifest,
  extraction: Extraction,
  plan: ExtractionPlan,
): NamedTensors | undefined {
  const rows: Record<string, Tensor> = {};
  for (const { name } of graph.inputs) {
    const found = sourceOf(name, plan)?.rows(extraction, plan);
    if (found === undefined) return undefined;
    rows[name] = found;
  }
  return rows;
}

function sourceOf(name: string, plan: ExtractionPlan): RowSource | undefined {
  return SOURCES[name] ?? viewSource(name, plan);
}

/** What was looked for and not found. Sound without a single sample in the window counts as none. */
export function missingModalities({ video, audio }: Extraction): readonly MediaModality[] {
  const missing: MediaModality[] = [];
  if (video === null || video.targets.length === 0) missing.push('video');
  if (audio === null || audio.samples.length === 0) missing.push('audio');
  return missing;
}

function windowSamples({ windowMs, audio }: ExtractionPlan): number {
  return Math.round(((windowMs[1] - windowMs[0]) * audio.sampleRate) / 1_000);
}
