/** How fast a count has risen lately. */

const WINDOW_MS = 30_000;

export class RateWindow {
  readonly #samples: [at: number, count: number][] = [];

  add(now: number, count: number): void {
    this.#samples.push([now, count]);
    while (this.#samples.length > 2 && now - (this.#samples[0]?.[0] ?? now) > WINDOW_MS)
      this.#samples.shift();
  }

  /** Over about the last half minute; null before there are two samples. */
  get perSecond(): number | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last[0] <= first[0]) return null;
    return ((last[1] - first[1]) * 1_000) / (last[0] - first[0]);
  }
}
