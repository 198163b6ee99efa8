/** A clock advanced by hand, in whole milliseconds. Timers fire in order of their time, then of their making. */
import type { Clock } from '../runtime/clock.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #now: number;
  /** In the order of their making. */
  readonly #timers = new Set<Timer>();

  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.ceil(Math.max(0, delayMs)), callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** When the next timer falls due, in milliseconds since the epoch; `undefined` when none is set. */
  get nextAt(): number | undefined {
    return this.#next()?.at;
  }

  /** Moves to the next timer that falls due by `until` and fires it; false, and time at `until`, when there is none. */
  fireNext(until: number): boolean {
    const timer = this.#next();
    if (timer === undefined || timer.at > until) {
      this.#now = Math.max(this.#now, until);
      return false;
    }
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.callback();
    return true;
  }

  /** Moves time on, firing what falls due and letting promises settle after each timer. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + Math.ceil(ms);
    await settle();
    while (this.fireNext(until)) await settle();
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
    return next;
  }
}

/** Lets every promise that is already resolvable settle: a macrotask runs only after all microtasks. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
