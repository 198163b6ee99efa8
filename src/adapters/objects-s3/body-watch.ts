/**
 * Gives up a body that stops coming, or comes too slowly to be borne: one that drips a byte a second is never idle, and
 * never done either. The rate is that of each window of `idleTimeoutMs`; the last, unfinished window is not judged.
 */
import type { Clock } from '../../runtime/clock.ts';

export interface BodyLimits {
  readonly idleTimeoutMs: number;
  readonly minBytesPerSecond: number;
}

export class BodyWatch {
  readonly #clock: Clock;
  readonly #limits: BodyLimits;
  readonly #giveUp: (why: string) => void;
  #cancelIdle: () => void;
  #cancelWindow: () => void;
  #inWindow = 0;

  constructor(clock: Clock, limits: BodyLimits, giveUp: (why: string) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#giveUp = giveUp;
    this.#cancelIdle = this.#idleTimer();
    this.#cancelWindow = this.#windowTimer();
  }

  came(bytes: number): void {
    this.#inWindow += bytes;
    this.#cancelIdle();
    this.#cancelIdle = this.#idleTimer();
  }

  end(): void {
    this.#cancelIdle();
    this.#cancelWindow();
  }

  #idleTimer(): () => void {
    return this.#clock.after(this.#limits.idleTimeoutMs, () => this.#giveUp('the body stopped coming'));
  }

  #windowTimer(): () => void {
    const { idleTimeoutMs, minBytesPerSecond } = this.#limits;
    return this.#clock.after(idleTimeoutMs, () => {
      if (this.#inWindow * 1000 < minBytesPerSecond * idleTimeoutMs)
        return this.#giveUp('the body comes too slowly');
      this.#inWindow = 0;
      this.#cancelWindow = this.#windowTimer();
    });
  }
}
