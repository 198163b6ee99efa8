/**
 * Gathers the tensors of several views during one pass over the frames of a video.
 *
 * G1. A view's result depends on the frames and on the view alone, never on the other views gathered beside it.
 * G2. Native frames are painted when they pass and not kept: what is held is what the tensors hold.
 * G3. The bytes of all tensors together are bounded before they are allocated (`MEDIA_LIMIT`).
 */
import { FirstFiveError } from '../errors.ts';
import type { ExtractedView, ShownFrame } from '../extraction.ts';
import type { Pixels, Size } from '../resample/resample.ts';
import { paint, paintedSize } from './paint.ts';
import { type FrameTimes, selectFrames } from './select.ts';
import { type FrameView, groupSize, picturesPerFrame, type WindowMs } from './view.ts';

export interface WindowedView {
  readonly view: FrameView;
  readonly windowMs: WindowMs;
}

/** Shape of a view's tensor, for so many frames shown and pictures of this size. */
export function tensorDims({ select, fit }: FrameView, frames: number, { width, height }: Size): number[] {
  const group = groupSize(select) * picturesPerFrame(fit);
  return [frames / groupSize(select), ...(group === 1 ? [] : [group]), height, width, 3];
}

export class ViewCollector {
  readonly #gathered: readonly GatheredView[];
  #lastIndex = -1;
  readonly #budget: { bytes: number };

  /** `frames`: every frame of the video that counts, up to the end of the longest window at least. */
  constructor(views: readonly WindowedView[], frames: FrameTimes, maxBytes: number) {
    this.#budget = { bytes: maxBytes };
    this.#gathered = views.map((one) => new GatheredView(one, frames, this.#budget));
    for (const { lastIndex } of this.#gathered) this.#lastIndex = Math.max(this.#lastIndex, lastIndex);
  }

  /** Index of the last frame that a view shows; -1 when none does. */
  get lastIndex(): number {
    return this.#lastIndex;
  }

  shows(index: number): boolean {
    return this.#gathered.some((gathered) => gathered.shows(index));
  }

  /** The frame with this index; `frame` is called at most once, and not at all when no view shows it. */
  take(index: number, frame: () => Pixels): void {
    let pixels: Pixels | undefined;
    for (const gathered of this.#gathered) {
      if (!gathered.shows(index)) continue;
      pixels ??= frame();
      gathered.take(index, pixels);
    }
  }

  /** In the order of the views; `undefined` for one whose window holds no frame, or whose frames did not all come. */
  results(): readonly (ExtractedView | undefined)[] {
    return this.#gathered.map((gathered) => gathered.result());
  }
}

class GatheredView {
  readonly #view: FrameView;
  readonly #shown: readonly ShownFrame[];
  /** Video-wide frame index to the places of the tensor that it fills. */
  readonly #places = new Map<number, number[]>();
  readonly #budget: { bytes: number };
  readonly #open: Set<number>;
  #size: Size | undefined;
  #data: Uint8Array | Float32Array | undefined;
  readonly lastIndex: number;

  constructor({ view, windowMs }: WindowedView, { timesMs, fps }: FrameTimes, budget: { bytes: number }) {
    this.#view = view;
    this.#budget = budget;
    const [start, end] = windowMs;
    const first = timesMs.findIndex((ms) => ms >= start);
    const inside = timesMs.filter((ms) => ms >= start && ms < end);
    const indices = selectFrames(view.select, { timesMs: inside, fps });
    indices.forEach((index, place) => {
      const places = this.#places.get(first + index) ?? [];
      places.push(place);
      this.#places.set(first + index, places);
    });
    this.#shown = indices.map((index, place) => ({
      index,
      ptsMs: inside[index] ?? 0,
      repeated: (this.#places.get(first + index)?.[0] ?? place) < place,
    }));
    this.#open = new Set(this.#places.keys());
    this.lastIndex = Math.max(-1, ...this.#places.keys());
  }

  shows(index: number): boolean {
    return this.#places.has(index);
  }

  take(index: number, frame: Pixels): void {
    const size = this.#size ?? paintedSize(this.#view, frame);
    const data = this.#data ?? this.#allocate(size);
    this.#size = size;
    this.#data = data;
    const pictures = paint(this.#view, frame, size);
    const perFrame = picturesPerFrame(this.#view.fit);
    const length = size.width * size.height * 3;
    for (const place of this.#places.get(index) ?? []) {
      for (let k = 0; k < perFrame; k++) {
        data.set(pictures[k % pictures.length] ?? [], (place * perFrame + k) * length);
      }
    }
    this.#open.delete(index);
  }

  result(): ExtractedView | undefined {
    if (this.#data === undefined || this.#size === undefined || this.#open.size > 0) return undefined;
    const shared = {
      dims: tensorDims(this.#view, this.#shown.length, this.#size),
      frames: this.#shown,
    };
    return this.#data instanceof Uint8Array
      ? { ...shared, type: 'uint8', data: this.#data }
      : { ...shared, type: 'float32', data: this.#data };
  }

  #allocate({ width, height }: Size): Uint8Array | Float32Array {
    const values = this.#shown.length * picturesPerFrame(this.#view.fit) * width * height * 3;
    const float = this.#view.tensor === 'float32';
    this.#budget.bytes -= values * (float ? 4 : 1);
    if (this.#budget.bytes < 0)
      throw new FirstFiveError('MEDIA_LIMIT', 'the plan yields more bytes than allowed');
    return float ? new Float32Array(values) : new Uint8Array(values);
  }
}
