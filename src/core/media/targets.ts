/**
 * Which frame answers which target of the plan (X1, X2 of extraction.ts).
 *
 * T1. Times are milliseconds after t = 0, the first decodable frame's PTS.
 * T2. A frame whose PTS does not exceed that of every frame before it answers nothing: of several frames with one PTS
 *     the first counts, and a clock that runs backwards cannot take a target back.
 */
import type { FrameTarget } from '../extraction.ts';

/** Index of the latest time <= `atMs` in ascending `timesMs`, else 0. */
export function answerIndex(timesMs: readonly number[], atMs: number): number {
  let answer = 0;
  for (let i = 0; i < timesMs.length; i++) if ((timesMs[i] ?? Number.POSITIVE_INFINITY) <= atMs) answer = i;
  return answer;
}

/** Follows a decode frame by frame and says which of the frames are needed. */
export class TargetPicker {
  readonly #atMs: readonly number[];
  readonly #answers: (number | undefined)[];
  #lastMs: number | undefined;
  #open: number[];

  constructor(atMs: readonly number[]) {
    this.#atMs = atMs;
    this.#answers = atMs.map(() => undefined);
    this.#open = atMs.map((_, index) => index);
  }

  /**
   * A frame at `ptsMs` has been decoded. `previous`: targets that the frame before it answers for good. `now`: targets
   * that this frame answers for good (nothing later can have a PTS equal to it, T2).
   */
  offer(ptsMs: number): { readonly counts: boolean; readonly previous: number[]; readonly now: number[] } {
    if (this.#lastMs !== undefined && ptsMs <= this.#lastMs) return { counts: false, previous: [], now: [] };
    const before = this.#lastMs;
    const previous = before === undefined ? [] : this.#settle((at) => at < ptsMs, before);
    this.#lastMs = ptsMs;
    const now = this.#settle((at) => at === ptsMs || (before === undefined && at < ptsMs), ptsMs);
    return { counts: true, previous, now };
  }

  /** The stream has ended: targets that the last frame answers. Empty when there was no frame at all. */
  finish(): number[] {
    const last = this.#lastMs;
    return last === undefined ? [] : this.#settle(() => true, last);
  }

  get done(): boolean {
    return this.#open.length === 0;
  }

  /** The answers in the plan's order; every target is answered once `finish` was called after at least one frame. */
  targets(): FrameTarget[] {
    const seen = new Set<number>();
    return this.#atMs.map((atMs, index) => {
      const ptsMs = this.#answers[index] ?? 0;
      const repeated = seen.has(ptsMs);
      seen.add(ptsMs);
      return { atMs, ptsMs, repeated };
    });
  }

  #settle(test: (atMs: number) => boolean, ptsMs: number): number[] {
    const settled = this.#open.filter((index) => test(this.#atMs[index] ?? 0));
    for (const index of settled) this.#answers[index] = ptsMs;
    this.#open = this.#open.filter((index) => !settled.includes(index));
    return settled;
  }
}
