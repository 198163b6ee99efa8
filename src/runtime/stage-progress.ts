/** Whether a stage gets on, as seen from within: what health asks. Times are milliseconds since the epoch. */

export class StageProgress {
  #busySince: number | undefined;
  #takenAt: number | undefined;
  #takenWhenLagging: number | undefined;
  #laggingSince: number | undefined;

  /** Records were taken in. */
  taken(now: number): void {
    this.#takenAt = now;
    this.#busySince ??= now;
  }

  /** Nothing is held any more. */
  idle(): void {
    this.#busySince = undefined;
  }

  /**
   * Milliseconds without progress while there was work: since the last commit, or since work came after an idle time.
   * An idle stage is not stalled, however old its last commit; one that no longer polls is.
   */
  stalledFor(
    now: number,
    last: { readonly polledAt?: number | undefined; readonly commitAt?: number | undefined },
  ): number {
    if (this.#busySince === undefined) return now - (last.polledAt ?? now);
    return now - Math.max(this.#busySince, last.commitAt ?? 0);
  }

  /**
   * Milliseconds since a lag was first seen while nothing was held or taken in: a log that answers polls with nothing although it
   * holds records looks idle from within. Call it with what health has just read.
   */
  starvedFor(now: number, isStarved: boolean): number {
    if (!isStarved || this.#takenAt !== this.#takenWhenLagging) this.#laggingSince = undefined;
    if (isStarved) this.#laggingSince ??= now;
    this.#takenWhenLagging = this.#takenAt;
    return this.#laggingSince === undefined ? 0 : now - this.#laggingSince;
  }
}
