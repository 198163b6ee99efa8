/**
 * Joins items of several uploads into batches, and gives each item its own result back.
 *
 * Q1. Every submitted item settles exactly once: with its own result, its own error, or its signal's reason.
 * Q2. Results are matched by the item's id, never by position; an id without a result is an error of that item.
 * Q3. A batch that fails as a whole is split in halves until the failing items stand alone. Systemic and configuration
 *     errors are not split: they are wrong with the surroundings and would fail every half.
 * Q4. An aborted item leaves the queue at once. One that is already running is dropped when its batch ends.
 */
import {
  type BatchDecision,
  type BatchPolicy,
  type BatchTrigger,
  decideBatch,
  type WaitingItem,
} from '../core/batch-policy.ts';
import { FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import { LANES, type Lane } from '../core/upload.ts';
import { type Clock, systemClock } from './clock.ts';

export interface BatchEntry<I> extends WaitingItem {
  readonly id: number;
  readonly input: I;
}

export type BatchOutcome<O> =
  | { readonly ok: true; readonly value: O }
  | { readonly ok: false; readonly error: FirstFiveError };

/** What a finished batch looked like; for telemetry. */
export interface BatchReport {
  readonly trigger: BatchTrigger;
  readonly items: number;
  readonly rows: number;
  readonly bytes: number;
  /** Milliseconds that its oldest item waited, and that the run took. */
  readonly waitedMs: number;
  readonly ranMs: number;
}

export interface BatcherOptions<I, O> {
  readonly policy: BatchPolicy;
  /** Size of an input: rows of the batch, and bytes held while it waits. */
  measure(input: I): { readonly rows: number; readonly bytes: number };
  /** Runs a batch. A rejection concerns the whole batch (Q3); an outcome concerns its item alone. */
  run(entries: readonly BatchEntry<I>[]): Promise<ReadonlyMap<number, BatchOutcome<O>>>;
  onBatch?(report: BatchReport): void;
  /** Only differences count; a monotonic clock unless a test brings its own. */
  readonly clock?: Clock;
}

export interface SubmitOptions {
  readonly lane?: Lane;
  readonly signal?: AbortSignal | undefined;
}

export interface Batcher<I, O> {
  submit(input: I, options?: SubmitOptions): Promise<O>;
  /** Items waiting and batches running. */
  depth(): { readonly waiting: number; readonly inFlight: number };
  /** `drain` runs what waits without further delay; `reject` fails it. Resolves when nothing runs any more. */
  close(mode: 'drain' | 'reject'): Promise<void>;
}

/** The wall clock may be set back, and would then hold a batch for as long. */
const monotonicClock: Clock = { now: () => performance.now(), after: systemClock.after };

export function createBatcher<I, O>(options: BatcherOptions<I, O>): Batcher<I, O> {
  const queue = new BatchQueue(options);
  return {
    submit: (input, submitOptions = {}) => queue.submit(input, submitOptions),
    depth: () => queue.depth(),
    close: (mode) => queue.close(mode),
  };
}

interface Waiter<I, O> extends BatchEntry<I> {
  settle(outcome: BatchOutcome<O>): void;
}

class BatchQueue<I, O> {
  readonly #options: BatcherOptions<I, O>;
  readonly #clock: Clock;
  readonly #lanes: Waiter<I, O>[][] = LANES.map(() => []);
  #nextId = 0;
  #inFlight = 0;
  #closing = false;
  #cancelTimer: (() => void) | undefined;
  #whenIdle: (() => void)[] = [];

  constructor(options: BatcherOptions<I, O>) {
    this.#options = options;
    this.#clock = options.clock ?? monotonicClock;
  }

  submit(input: I, { lane = 'live', signal }: SubmitOptions): Promise<O> {
    if (this.#closing) return Promise.reject(closedError());
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise<O>((resolve, reject) => {
      const queue = this.#laneQueue(lane);
      const abort = () => {
        const at = queue.indexOf(waiter);
        if (at >= 0) queue.splice(at, 1);
        reject(signal?.reason);
        this.#pump();
      };
      const waiter: Waiter<I, O> = {
        id: this.#nextId++,
        input,
        ...this.#options.measure(input),
        enqueuedAt: this.#clock.now(),
        settle: (outcome) => {
          signal?.removeEventListener('abort', abort);
          if (outcome.ok) resolve(outcome.value);
          else reject(outcome.error);
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      queue.push(waiter);
      this.#pump();
    });
  }

  depth() {
    return { waiting: this.#lanes.reduce((sum, lane) => sum + lane.length, 0), inFlight: this.#inFlight };
  }

  async close(mode: 'drain' | 'reject'): Promise<void> {
    this.#closing = true;
    if (mode === 'reject') {
      for (const lane of this.#lanes) {
        for (const waiter of lane.splice(0)) waiter.settle({ ok: false, error: closedError() });
      }
    }
    this.#pump();
    const { waiting, inFlight } = this.depth();
    if (waiting + inFlight > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Starts every batch that may start now, and sets the timer for the next one that will. */
  #pump(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    while (this.#inFlight < this.#options.policy.maxInFlight) {
      const moment = { now: this.#clock.now(), draining: this.#closing };
      const decision = decideBatch(this.#lanes, this.#options.policy, moment);
      if (decision.kind === 'idle') break;
      if (decision.kind === 'wait') {
        this.#cancelTimer = this.#clock.after(decision.untilMs - moment.now, () => this.#pump());
        break;
      }
      void this.#start(decision);
    }
    if (this.#closing && this.#inFlight === 0) for (const done of this.#whenIdle.splice(0)) done();
  }

  async #start(decision: Extract<BatchDecision, { kind: 'flush' }>): Promise<void> {
    const batch = decision.take.flatMap((count, lane) => this.#lanes[lane]?.splice(0, count) ?? []);
    const startedAt = this.#clock.now();
    this.#inFlight++;
    await this.#runIsolating(batch);
    this.#inFlight--;
    const ranMs = this.#clock.now() - startedAt;
    this.#pump();
    this.#options.onBatch?.({
      trigger: decision.trigger,
      items: batch.length,
      rows: batch.reduce((sum, entry) => sum + entry.rows, 0),
      bytes: batch.reduce((sum, entry) => sum + entry.bytes, 0),
      waitedMs: startedAt - Math.min(...batch.map((entry) => entry.enqueuedAt)),
      ranMs,
    });
  }

  async #runIsolating(batch: readonly Waiter<I, O>[]): Promise<void> {
    try {
      const outcomes = await this.#options.run(batch);
      for (const waiter of batch) waiter.settle(outcomes.get(waiter.id) ?? { ok: false, error: lostError() });
    } catch (thrown) {
      const error = toFirstFiveError(thrown);
      if (batch.length === 1 || error.kind === 'systemic' || error.kind === 'config') {
        for (const waiter of batch) waiter.settle({ ok: false, error });
        return;
      }
      const half = Math.ceil(batch.length / 2);
      await this.#runIsolating(batch.slice(0, half));
      await this.#runIsolating(batch.slice(half));
    }
  }

  #laneQueue(lane: Lane): Waiter<I, O>[] {
    const queue = this.#lanes[LANES.indexOf(lane)];
    if (queue === undefined) throw new FirstFiveError('INTERNAL', `unknown lane ${lane}`);
    return queue;
  }
}

function closedError(): FirstFiveError {
  return new FirstFiveError('INFERENCE_FAILED', 'the batcher is closed', { kind: 'systemic' });
}

function lostError(): FirstFiveError {
  return new FirstFiveError('INTERNAL', 'the batch gave no result for this item');
}
