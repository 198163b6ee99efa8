/**
 * Decides who goes on next. Whoever reaches a step waits for its turn; one turn at a time is given, by the seed.
 *
 * I1. Between two turns every promise that can settle has settled, so the order of turns is the whole interleaving: one
 *     seed, one run. It holds for code that waits for turns, promises and the driver's clock only (no real I/O).
 */

/** Who waits: a process that may be frozen (not ready for now) or dead (never again). */
export interface Actor {
  readonly isReady: boolean;
  readonly isDead: boolean;
}

interface Waiting {
  readonly actor: Actor;
  readonly go: () => void;
}

export class Interleaver {
  readonly #random: () => number;
  #waiting: Waiting[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Resolves when the actor's turn comes; never for one that is dead by then. */
  turn(actor: Actor): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ actor, go: resolve }));
  }

  /** Gives one turn; false when nobody is ready for one. */
  step(): boolean {
    this.#waiting = this.#waiting.filter(({ actor }) => !actor.isDead);
    const ready = this.#waiting.filter(({ actor }) => actor.isReady);
    const chosen = ready[Math.floor(this.#random() * ready.length)];
    if (chosen === undefined) return false;
    this.#waiting.splice(this.#waiting.indexOf(chosen), 1);
    chosen.go();
    return true;
  }
}

/** Resolves when every promise that can settle without a timer has: a macrotask runs after all microtasks. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
