/**
 * Which source samples make an output sample along one axis, and with what weights.
 *
 * W1. A table is a function of rule, source length and output length alone; tables are kept and shared, so nobody writes
 *     to one.
 * W2. Every index of a table lies inside the source; taps that are not used have weight 0.
 */
import type { InterpolationRule } from './interpolation.ts';
import { KERNELS, type KernelName } from './kernels.ts';

export interface Taps {
  /** Taps per output sample. */
  readonly width: number;
  /** Source sample of tap k of output i at `[i * width + k]`. */
  readonly indices: Int32Array;
  /** In parallel to `indices`; integers where the arithmetic is of integers. */
  readonly weights: Int32Array | Float64Array;
}

/** Sizes come from untrusted files: the tables kept must be bounded. */
const MAX_TABLES = 128;
const tables = new Map<string, Taps>();

export function tapsFor(name: string, rule: InterpolationRule, from: number, to: number): Taps {
  const key = `${name} ${from} ${to}`;
  const known = tables.get(key);
  if (known !== undefined) return known;
  const made = make(rule, from, to);
  if (tables.size >= MAX_TABLES) tables.clear();
  tables.set(key, made);
  return made;
}

function make(rule: InterpolationRule, from: number, to: number): Taps {
  switch (rule.arithmetic) {
    case 'nearest-centre':
      return single(nearestCentre(from, to), from);
    case 'nearest-floor':
      return single(nearestFloor(from, to), from);
    case 'fixed-22':
      return droppedBorder(rule, from, to);
    case 'float-32':
      return repeatedBorder(from, to, rule, torchPositions);
    case 'fixed-11':
      return toEleven(repeatedBorder(from, to, rule, cv2Positions));
  }
}

function single(indices: Int32Array, from: number): Taps {
  for (let i = 0; i < indices.length; i++) indices[i] = Math.min(indices[i] ?? 0, from - 1);
  return { width: 1, indices, weights: new Int32Array(indices.length).fill(1) };
}

/** Pillow adds the step up, rounding errors included (`ImagingScaleAffine`). */
function nearestCentre(from: number, to: number): Int32Array {
  const step = from / to;
  let position = step * 0.5;
  return Int32Array.from({ length: to }, () => {
    const index = Math.trunc(position);
    position += step;
    return index;
  });
}

function nearestFloor(from: number, to: number): Int32Array {
  const scale = Math.fround(from / to);
  return Int32Array.from({ length: to }, (_, i) => Math.floor(Math.fround(Math.fround(i) * scale)));
}

const FIXED_22 = 2 ** 22;

/** Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` (libImaging/Resample.c). */
function droppedBorder({ kernel, antialias }: InterpolationRule, from: number, to: number): Taps {
  const { support: radius, at } = KERNELS[kernel];
  const scale = from / to;
  const widened = antialias ? Math.max(scale, 1) : 1;
  const support = radius * widened;
  const width = Math.min(from, Math.ceil(support) * 2 + 1);
  const indices = new Int32Array(to * width);
  const weights = new Int32Array(to * width);
  const raw = new Float64Array(width);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - first;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      raw[k] = at((k + first - centre + 0.5) * (1 / widened));
      sum += raw[k] as number;
    }
    for (let k = 0; k < width; k++) {
      const weight = k < count ? (raw[k] as number) / (sum === 0 ? 1 : sum) : 0;
      indices[i * width + k] = Math.min(first + k, from - 1);
      weights[i * width + k] = Math.trunc(weight * FIXED_22 + (weight < 0 ? -0.5 : 0.5));
    }
  }
  return { width, indices, weights };
}

type Positions = (i: number, from: number, to: number, rule: InterpolationRule) => number;

/** PyTorch, `area_pixel_compute_source_index`: float32 all the way; linear kernels never start before the first sample. */
const torchPositions: Positions = (i, from, to, { coordinates, kernel }) => {
  if (coordinates === 'align-corners') {
    const step = to > 1 ? Math.fround((from - 1) / (to - 1)) : 0;
    return Math.fround(step * i);
  }
  const scale = Math.fround(from / to);
  const position = Math.fround(Math.fround(scale * Math.fround(i + 0.5)) - 0.5);
  return kernel === 'triangle' ? Math.max(0, position) : position;
};

/** OpenCV, `resize`: the ratio in float64, through its own inverse. */
const cv2Positions: Positions = (i, from, to) => Math.fround((i + 0.5) * (1 / (to / from)) - 0.5);

function repeatedBorder(from: number, to: number, rule: InterpolationRule, positionOf: Positions): Taps {
  const weightsOf = rule.kernel === 'triangle' ? linearWeights : cubicWeights;
  const width = rule.kernel === 'triangle' ? 2 : 4;
  const before = width / 2 - 1;
  const indices = new Int32Array(to * width);
  const weights = new Float64Array(to * width);
  for (let i = 0; i < to; i++) {
    const position = positionOf(i, from, to, rule);
    const floor = Math.min(Math.floor(position), from - 1);
    weights.set(weightsOf(Math.fround(position - floor), rule.kernel), i * width);
    for (let k = 0; k < width; k++) {
      indices[i * width + k] = Math.min(from - 1, Math.max(0, floor - before + k));
    }
  }
  return { width, indices, weights };
}

function linearWeights(t: number): readonly number[] {
  const share = Math.min(1, Math.max(0, t));
  return [Math.fround(1 - share), share];
}

/**
 * Four float32 weights at fraction `t`. Written as OpenCV and PyTorch write them, step by step in float32: a weight that
 * falls on a half of OpenCV's 2^-11 must fall to the same side.
 */
function cubicWeights(t: number, kernel: KernelName): readonly number[] {
  const f = Math.fround;
  const a = kernel === 'cubic-half' ? -0.5 : -0.75;
  const far = (x: number) => f(f(f(f(f(f(a * x) - 5 * a) * x) + 8 * a) * x) - 4 * a);
  const near = (x: number) => f(f(f(f(f((a + 2) * x) - (a + 3)) * x) * x) + 1);
  const first = far(f(t + 1));
  const second = near(t);
  const third = near(f(1 - t));
  return [first, second, third, f(f(f(1 - first) - second) - third)];
}

/** OpenCV's `saturate_cast<short>(weight * 2048)`: rounded half to even. */
function toEleven({ width, indices, weights }: Taps): Taps {
  return { width, indices, weights: Int32Array.from(weights, (weight) => roundHalfEven(weight * 2048)) };
}

export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
