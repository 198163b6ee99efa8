/** Sizes and crops of a fit: pure arithmetic, no pixels. */

import type { Size } from '../resample/resample.ts';
import { roundHalfEven } from '../resample/taps.ts';
import type { Fit } from './view.ts';

export interface Layout {
  /** Size of the picture that the tensor holds. */
  readonly out: Size;
  /** Size that the frame is scaled to first. */
  readonly scaled: Size;
  /** Left upper corner of `out` in `scaled` (negative: `scaled` is smaller and centred in `out`). */
  readonly left: number;
  readonly top: number;
}

export function layoutOf(fit: Fit, native: Size): Layout {
  switch (fit.rule) {
    case 'squash':
      return whole({ width: fit.width, height: fit.height });
    case 'cover':
      return cover(fit, native);
    case 'letterbox':
      return letterbox(fit, native);
    case 'multiples':
      return whole(multiples(fit, native));
    case 'native':
    case 'pyramid':
      return whole(atMost(native, fit.maxLongerSide));
    case 'fragments': {
      const side = fit.grid * fit.size;
      return { out: { width: side, height: side }, scaled: atLeast(native, side), left: 0, top: 0 };
    }
  }
}

function whole(size: Size): Layout {
  return { out: size, scaled: size, left: 0, top: 0 };
}

/** torchvision `Resize(side)` (`int(side * long / short)`) and `CenterCrop` (`int(round(...))`, half to even). */
function cover(fit: Extract<Fit, { rule: 'cover' }>, { width, height }: Size): Layout {
  const { side } = fit;
  const portrait = width <= height;
  const longer = Math.trunc((side * Math.max(width, height)) / Math.min(width, height));
  const scaled = portrait ? { width: side, height: longer } : { width: longer, height: side };
  return {
    out: { width: fit.width, height: fit.height },
    scaled,
    left: roundHalfEven((scaled.width - fit.width) / 2),
    top: roundHalfEven((scaled.height - fit.height) / 2),
  };
}

function letterbox(fit: Extract<Fit, { rule: 'letterbox' }>, { width, height }: Size): Layout {
  const ratio = Math.min(fit.width / width, fit.height / height);
  const scaled = {
    width: Math.min(fit.width, Math.max(1, Math.round(width * ratio))),
    height: Math.min(fit.height, Math.max(1, Math.round(height * ratio))),
  };
  return {
    out: { width: fit.width, height: fit.height },
    scaled,
    left: -Math.floor((fit.width - scaled.width) / 2),
    top: -Math.floor((fit.height - scaled.height) / 2),
  };
}

/** `smart_resize` of qwen-vl-utils, without its refusal of aspects over 200. */
function multiples(fit: Extract<Fit, { rule: 'multiples' }>, { width, height }: Size): Size {
  const { multipleOf: unit, minPixels, maxPixels } = fit;
  const at = (round: (value: number) => number, value: number) => Math.max(unit, round(value / unit) * unit);
  const near = { width: at(roundHalfEven, width), height: at(roundHalfEven, height) };
  const pixels = near.width * near.height;
  if (pixels > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels);
    return { width: at(Math.floor, width / shrink), height: at(Math.floor, height / shrink) };
  }
  if (pixels < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width));
    return { width: at(Math.ceil, width * grow), height: at(Math.ceil, height * grow) };
  }
  return near;
}

function atMost(native: Size, maxLongerSide: number): Size {
  const longer = Math.max(native.width, native.height);
  if (longer <= maxLongerSide) return native;
  const to = (side: number) => Math.max(1, Math.round((side * maxLongerSide) / longer));
  return { width: to(native.width), height: to(native.height) };
}

function atLeast(native: Size, minShorterSide: number): Size {
  const shorter = Math.min(native.width, native.height);
  if (shorter >= minShorterSide) return native;
  const to = (side: number) => Math.max(minShorterSide, Math.trunc((side * minShorterSide) / shorter));
  return { width: to(native.width), height: to(native.height) };
}
