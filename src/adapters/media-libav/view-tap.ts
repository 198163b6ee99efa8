/**
 * The views' side of a decode: counts the frames, paints those that a view shows, and remembers what times came.
 *
 * J1. Which frames a view shows depends on how many there are, so the frames are listed before the first is painted: from
 *     packet timestamps (listed.ts), or from an earlier decode of the same file.
 * J2. A list from packets is a forecast. `asListed` says whether exactly those frames came; when not, the times that did
 *     come are the list of the next attempt.
 */
import type { DecodeLimits, ExtractedView } from '../../core/extraction.ts';
import { ViewCollector, type WindowedView } from '../../core/plan/collect.ts';
import type { FrameTimes } from '../../core/plan/select.ts';
import type { TimedFrame } from './picture-ask.ts';
import type { RgbScaler } from './rgb-scaler.ts';

/** `list`: collect times only; `verify`: paint, and see every frame of the windows; `trust`: stop at the last one shown. */
export type TapMode = 'list' | 'verify' | 'trust';

export class ViewTap {
  readonly #views: readonly WindowedView[];
  readonly #scaler: RgbScaler;
  readonly #limits: DecodeLimits;
  readonly #endMs: number;
  readonly #times: number[] = [];
  #listed: FrameTimes | undefined;
  #collector: ViewCollector | undefined;
  #mode: TapMode = 'list';
  /** Wall milliseconds spent on painting. */
  paintMs = 0;

  constructor(views: readonly WindowedView[], scaler: RgbScaler, limits: DecodeLimits) {
    this.#views = views;
    this.#scaler = scaler;
    this.#limits = limits;
    this.#endMs = Math.max(0, ...views.map(({ windowMs }) => windowMs[1]));
  }

  /** Before the first frame: the frames that will come, times after t = 0. */
  expect(frames: FrameTimes, mode: 'verify' | 'trust'): void {
    this.#listed = frames;
    this.#mode = mode;
    this.#collector = new ViewCollector(this.#views, frames, this.#limits.maxViewBytes);
  }

  get done(): boolean {
    const last = this.#times.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (this.#mode === 'trust') return this.#times.length > (this.#collector?.lastIndex ?? -1);
    return last >= this.#endMs;
  }

  take({ frame, ptsMs }: TimedFrame): void {
    const index = this.#times.push(ptsMs) - 1;
    if (ptsMs >= this.#endMs) return;
    const start = performance.now();
    this.#collector?.take(index, () => this.#scaler.native(frame));
    this.paintMs += performance.now() - start;
  }

  /** Times of the frames inside the windows that came. */
  get times(): readonly number[] {
    return this.#times.filter((ms) => ms < this.#endMs);
  }

  get asListed(): boolean {
    const listed = this.#listed?.timesMs.filter((ms) => ms < this.#endMs) ?? [];
    const came = this.times;
    return listed.length === came.length && listed.every((ms, index) => ms === came[index]);
  }

  results(): readonly (ExtractedView | undefined)[] {
    return this.#collector?.results() ?? [];
  }

  close(): void {
    this.#scaler.close();
  }
}
