/**
 * Keeps calls from a server that fails them all (Nygard, "Release It!", 2nd ed., 5.3).
 *
 * B1. `failures` in a row open it; while it is open, calls fail at once.
 * B2. After `coolDownMs` one call goes through as a trial: its success closes the breaker, its failure opens it again.
 */
import type { Clock } from '../../runtime/clock.ts';

export interface BreakerPolicy {
  readonly failures: number;
  readonly coolDownMs: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

export class CircuitBreaker {
  readonly #policy: BreakerPolicy;
  readonly #clock: Pick<Clock, 'now'>;
  #failures = 0;
  #openedAt: number | undefined;
  #trial = false;

  constructor(policy: BreakerPolicy, clock: Pick<Clock, 'now'>) {
    this.#policy = policy;
    this.#clock = clock;
  }

  get state(): BreakerState {
    if (this.#openedAt === undefined) return 'closed';
    return this.#clock.now() - this.#openedAt >= this.#policy.coolDownMs ? 'half-open' : 'open';
  }

  /** Whether a call may go. Every call that may is followed by `succeeded`, `failed` or `abandoned`. */
  admit(): boolean {
    const { state } = this;
    if (state === 'closed') return true;
    if (state === 'open' || this.#trial) return false;
    this.#trial = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openedAt = undefined;
    this.#trial = false;
  }

  failed(): void {
    this.#failures += 1;
    this.#trial = false;
    if (this.#openedAt !== undefined || this.#failures >= this.#policy.failures)
      this.#openedAt = this.#clock.now();
  }

  /** The caller gave up: it says nothing about the server. */
  abandoned(): void {
    this.#trial = false;
  }
}
