/** Lets a bounded number of uploads in at a time, first come, first served. */

export class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #inside = new Set<Promise<void>>();

  constructor(places: number) {
    this.#free = Math.max(1, places);
  }

  /** Resolves with the function that gives the place back; rejects with the reason of the first signal to abort. */
  async enter(...signals: readonly (AbortSignal | undefined)[]): Promise<() => void> {
    const signal = AbortSignal.any(signals.filter((one) => one !== undefined));
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    const left = Promise.withResolvers<void>();
    this.#inside.add(left.promise);
    return () => {
      this.#inside.delete(left.promise);
      left.resolve();
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }

  /** Resolves when everybody has left. */
  async empty(): Promise<void> {
    while (this.#inside.size > 0) await Promise.all(this.#inside);
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal.reason);
      };
      this.#waiting.push(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
