/**
 * Systemic errors pause intake: nothing is wrong with the records, so they wait and spend no budget.
 *
 * G1. The gate closes on a systemic error and opens by itself after a backoff that doubles up to a minute.
 * G2. A success resets the backoff. Health is red from the first failure to the first success.
 */
import type { FirstFiveError } from '../core/errors.ts';
import { backoffMs } from '../core/retry.ts';
import { type Clock, sleep } from './clock.ts';

const BACKOFF = { initialBackoffMs: 250, maxBackoffMs: 60_000 };

export class IntakeGate {
  readonly #clock: Clock;
  readonly #random: () => number;
  #failure: { error: FirstFiveError; count: number; since: number; closedUntil: number } | undefined;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  fail(error: FirstFiveError): void {
    const now = this.#clock.now();
    const failure = this.#failure ?? { error, count: 0, since: now, closedUntil: now };
    // Tasks that failed together count once: a second failure says nothing new until the gate has been open again.
    if (now < failure.closedUntil) return;
    failure.error = error;
    failure.count += 1;
    failure.closedUntil = now + backoffMs(BACKOFF, failure.count, this.#random());
    this.#failure = failure;
  }

  succeed(): void {
    this.#failure = undefined;
  }

  get isOpen(): boolean {
    return this.#failure === undefined || this.#failure.closedUntil <= this.#clock.now();
  }

  async passable(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wait = (this.#failure?.closedUntil ?? 0) - this.#clock.now();
      if (wait <= 0) return;
      await sleep(this.#clock, wait, signal);
    }
  }

  /** The failure that intake is paused for, if any. */
  get closedFor(): { readonly error: FirstFiveError; readonly since: number } | undefined {
    return this.#failure;
  }
}
