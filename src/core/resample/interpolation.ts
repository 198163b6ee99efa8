/**
 * The interpolations that a plan may name: parameters of one separable resampler, after the library whose pixels they equal.
 *
 * | name | library call | equality |
 * |---|---|---|
 * | `pil-nearest`, `pil-bilinear`, `pil-bicubic` | Pillow `Image.resize`, 8-bit RGB (antialiased) | exact |
 * | `torch-nearest` | `torch.nn.functional.interpolate(mode='nearest')` | exact |
 * | `torch-bilinear`, `torch-bicubic` | `interpolate`, `align_corners=False`, `antialias=False`, float32 | 1e-3 of 255 |
 * | `torch-bilinear-corners`, `torch-bicubic-corners` | the same with `align_corners=True` | 1e-3 of 255 |
 * | `cv2-cubic` | OpenCV `resize(INTER_CUBIC)` on 8 bit, its own code (with Intel IPP it differs by up to 1) | exact |
 */
import type { KernelName } from './kernels.ts';

/**
 * - `nearest-centre`: the source sample under the output's centre (Pillow); `nearest-floor`: under its left edge (PyTorch).
 * - `fixed-22`: integer weights of 22 bits, each pass rounded to 8 bit (Pillow).
 * - `float-32`: float32 coordinates and weights, rounded once at the end, half to even (PyTorch).
 * - `fixed-11`: integer weights of 11 bits, rounded once at the end (OpenCV).
 */
export type Arithmetic = 'nearest-centre' | 'nearest-floor' | 'fixed-22' | 'float-32' | 'fixed-11';

export interface InterpolationRule {
  readonly arithmetic: Arithmetic;
  readonly kernel: KernelName;
  /** Whether the kernel is widened by the ratio when the picture shrinks. */
  readonly antialias: boolean;
  readonly coordinates: 'half-pixel' | 'align-corners';
  /** What taps outside of the picture do: left out and the rest scaled up, or the edge repeated. */
  readonly border: 'drop' | 'repeat';
}

const PIL = { arithmetic: 'fixed-22', antialias: true, coordinates: 'half-pixel', border: 'drop' } as const;
const TORCH = {
  arithmetic: 'float-32',
  antialias: false,
  coordinates: 'half-pixel',
  border: 'repeat',
} as const;
const NEAREST = {
  kernel: 'triangle',
  antialias: false,
  coordinates: 'half-pixel',
  border: 'repeat',
} as const;

export const INTERPOLATIONS = {
  'pil-nearest': { ...NEAREST, arithmetic: 'nearest-centre' },
  'pil-bilinear': { ...PIL, kernel: 'triangle' },
  'pil-bicubic': { ...PIL, kernel: 'cubic-half' },
  'torch-nearest': { ...NEAREST, arithmetic: 'nearest-floor' },
  'torch-bilinear': { ...TORCH, kernel: 'triangle' },
  'torch-bicubic': { ...TORCH, kernel: 'cubic-three-quarters' },
  'torch-bilinear-corners': { ...TORCH, kernel: 'triangle', coordinates: 'align-corners' },
  'torch-bicubic-corners': { ...TORCH, kernel: 'cubic-three-quarters', coordinates: 'align-corners' },
  'cv2-cubic': { ...TORCH, arithmetic: 'fixed-11', kernel: 'cubic-three-quarters' },
} as const satisfies Record<string, InterpolationRule>;

export type Interpolation = keyof typeof INTERPOLATIONS;

export const INTERPOLATION_NAMES = Object.keys(INTERPOLATIONS) as [Interpolation, ...Interpolation[]];
