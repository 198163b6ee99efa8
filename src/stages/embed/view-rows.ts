/**
 * Views and sounds of a plan as graph inputs:
 * - `<view>` uint8 or float32 `[n, (group,) height, width, 3]`, n = frames or groups; only where the size is the plan's;
 * - `<sound>` float32 `[n, samples]`: one row, zeros behind the last sample;
 * - `<sound>.samples` int32 `[n]`: how many values of that row are real.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { ExtractionPlan } from '../../core/extraction.ts';
import { tensorDims } from '../../core/plan/collect.ts';
import { paintedSize } from '../../core/plan/paint.ts';
import { type SoundView, soundSamples } from '../../core/plan/sound-view.ts';
import type { FrameView } from '../../core/plan/view.ts';
import type { Tensor } from './inference.ts';
import type { RowSource } from './row-source.ts';

const COUNT = '.samples';

/** Names of the inputs that the plan's views and sounds yield. */
export function viewInputs({ views = {}, sounds = {} }: ExtractionPlan): string[] {
  return [...Object.keys(views), ...Object.keys(sounds).flatMap((name) => [name, `${name}${COUNT}`])];
}

/** `undefined` when the plan has no view and no sound of this name; `BUNDLE_INVALID` when its size is the upload's. */
export function viewSource(name: string, { views = {}, sounds = {} }: ExtractionPlan): RowSource | undefined {
  const view = views[name];
  if (view !== undefined) return pictures(name, view);
  const sound = sounds[name];
  if (sound !== undefined) return wave(name, sound);
  const counted = name.endsWith(COUNT) ? name.slice(0, -COUNT.length) : '';
  const soundOfCount = sounds[counted];
  return soundOfCount === undefined ? undefined : count(counted, soundOfCount);
}

function pictures(name: string, view: FrameView): RowSource {
  const { rule } = view.fit;
  if (rule === 'native' || rule === 'pyramid' || rule === 'multiples') {
    throw new FirstFiveError(
      'BUNDLE_INVALID',
      `view ${name}: the size of ${rule} is the upload's, and graphs take fixed sizes`,
    );
  }
  const [, ...dims] = tensorDims(view, 0, paintedSize(view, { width: 1024, height: 1024 }));
  return {
    modality: 'video',
    type: view.tensor,
    dims: () => dims,
    rows: ({ views }): Tensor | undefined => views?.[name],
  };
}

function wave(name: string, view: SoundView): RowSource {
  const length = ({ windowMs }: ExtractionPlan) => soundSamples(view, windowMs);
  return {
    modality: 'audio',
    type: 'float32',
    dims: (plan) => [length(plan)],
    rows: ({ sounds }, plan) => {
      const samples = sounds?.[name]?.samples;
      return samples === undefined ? undefined : paddedWave(samples, length(plan));
    },
  };
}

function count(name: string, view: SoundView): RowSource {
  return {
    modality: 'audio',
    type: 'int32',
    dims: () => [],
    rows: ({ sounds }, { windowMs }) => {
      const samples = sounds?.[name]?.samples;
      if (samples === undefined) return undefined;
      const real = Math.min(samples.length, soundSamples(view, windowMs));
      return { type: 'int32', dims: [1], data: Int32Array.of(real) };
    },
  };
}

/** float32 `[1, length]`: cut, or with zeros behind. */
export function paddedWave(samples: Float32Array, length: number): Tensor {
  const data = new Float32Array(length);
  data.set(samples.subarray(0, length));
  return { type: 'float32', dims: [1, length], data };
}
