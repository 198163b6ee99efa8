/**
 * The life of a worker process in a driven run: its clock, its turns, and how it ends.
 *
 * W1. A dead worker has no effect any more: its steps never come, its timers never fire.
 * W2. A frozen worker is the same for a time; what it missed comes when it thaws, all of it late.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Actor, Interleaver } from './interleaver.ts';

export class WorkerLife implements Actor {
  readonly clock: Clock;
  readonly #base: Clock;
  readonly #interleaver: Interleaver;
  #dead = false;
  #frozen = false;
  #missed: (() => void)[] = [];

  constructor(base: Clock, interleaver: Interleaver) {
    this.#base = base;
    this.#interleaver = interleaver;
    this.clock = {
      now: () => base.now(),
      after: (delayMs, callback) => base.after(delayMs, () => this.#fire(callback)),
    };
  }

  get isDead(): boolean {
    return this.#dead;
  }

  get isReady(): boolean {
    return !this.#dead && !this.#frozen;
  }

  /** Resolves when it is this worker's turn to take its next step. */
  turn(): Promise<void> {
    return this.#interleaver.turn(this);
  }

  kill(): void {
    this.#dead = true;
    this.#missed = [];
  }

  freeze(ms: number): void {
    if (this.#frozen || this.#dead) return;
    this.#frozen = true;
    this.#base.after(ms, () => this.#thaw());
  }

  #thaw(): void {
    this.#frozen = false;
    for (const callback of this.#missed.splice(0)) this.#fire(callback);
  }

  #fire(callback: () => void): void {
    if (this.#dead) return;
    if (this.#frozen) this.#missed.push(callback);
    else callback();
  }
}
