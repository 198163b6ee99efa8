/** Rolls the dice at each step of a worker: goes on, fails, freezes or dies. */
import { FirstFiveError } from '../core/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { FaultRates } from './fault-rates.ts';
import type { LogStep } from './memory-step.ts';

/** `work` comes before an attempt of a handler, `worked` after it. */
export type WorkerStep = LogStep | 'work' | 'worked';

export interface Victim {
  crash(at: string): void;
  freeze(ms: number, at: string): void;
}

export interface FaultPlanOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sessionTimeoutMs: number;
  readonly onFault: (what: string) => void;
}

const LONGEST_OUTAGE_MS = 10_000;

export class FaultPlan {
  readonly #options: FaultPlanOptions;
  #outageUntil = Number.NEGATIVE_INFINITY;
  rates: FaultRates;

  constructor(rates: FaultRates, options: FaultPlanOptions) {
    this.rates = rates;
    this.#options = options;
  }

  /** Throws what the step fails with. */
  strike(step: WorkerStep, victim: Victim): void {
    const { rates } = this;
    const { random, sessionTimeoutMs } = this.#options;
    if (this.#comes(rates.crash)) {
      victim.crash(step);
      return;
    }
    if (this.#comes(rates.freeze)) victim.freeze(random() * 2 * sessionTimeoutMs, step);
    if (step === 'work') this.#strikeWork();
    else if (step !== 'worked') this.#strikeLog(step);
  }

  #strikeWork(): void {
    const { clock, random, onFault } = this.#options;
    if (this.#comes(this.rates.outage)) {
      this.#outageUntil = clock.now() + random() * LONGEST_OUTAGE_MS;
      onFault('outage of the store');
    }
    if (clock.now() < this.#outageUntil) throw new FirstFiveError('STORE_UNAVAILABLE', 'an injected outage');
    if (this.#comes(this.rates.attempt)) throw new FirstFiveError('MEDIA_CHANGED', 'an injected failure');
  }

  #strikeLog(step: LogStep): void {
    const { onFault } = this.#options;
    if (this.#comes(this.rates.logUnavailable)) {
      onFault(`LOG_UNAVAILABLE at ${step}`);
      throw new FirstFiveError('LOG_UNAVAILABLE', `an injected outage at ${step}`);
    }
    if (step === 'commit' && this.#comes(this.rates.logAborted)) {
      onFault('LOG_ABORTED');
      throw new FirstFiveError('LOG_ABORTED', 'an injected abort');
    }
  }

  /** Nothing is drawn for what cannot come: a run without faults is the same run whatever faults exist. */
  #comes(rate: number): boolean {
    return rate > 0 && this.#options.random() < rate;
  }
}
