/**
 * One record, from intake to its result: attempts, deadlines, backoff, and the dead letter at the end of the budget.
 *
 * A1. A task always ends: with outputs, with a dead letter, or as abandoned (revoked or stopping; it is read again).
 * A2. Systemic errors spend no attempt (`IntakeGate`); every other failure does.
 * A3. A handler that ignores its signal cannot hold the partition: the deadline abandons the attempt without it.
 */
import { deadLetterRecord } from '../core/dead-letter.ts';
import { FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import type { OutputRecord, StreamRecord } from '../core/record.ts';
import { backoffMs, decideFailure } from '../core/retry.ts';
import type { Lane } from '../core/upload.ts';
import { type Clock, sleep } from './clock.ts';
import type { EmissionOrder, HandlerResult, RecordHandler } from './handler.ts';
import type { IntakeGate } from './intake-gate.ts';
import type { StageTelemetry } from './telemetry.ts';
import type { StageSpec } from './topology.ts';

export interface TaskResult {
  /** Dropped when `order` turns out to be superseded at the commit. */
  readonly outputs: readonly OutputRecord[];
  /** Emitted in any case: dead letters. */
  readonly always: readonly OutputRecord[];
  readonly order: EmissionOrder | undefined;
  readonly error: FirstFiveError | undefined;
}

export interface TaskEnvironment {
  readonly spec: StageSpec;
  readonly lane: Lane;
  readonly handler: RecordHandler;
  readonly gate: IntakeGate;
  readonly clock: Clock;
  readonly random: () => number;
  readonly telemetry: StageTelemetry;
}

/** What health reports of a record under way; the task keeps it current. */
export interface TaskProgress {
  step: string;
  stepSince: number;
  attempt: number;
}

export class RecordTask {
  readonly record: StreamRecord;
  readonly startedAt: number;
  readonly progress: TaskProgress;
  readonly #env: TaskEnvironment;
  #firstFailureAt: number | undefined;
  #inStep = false;

  constructor(record: StreamRecord, env: TaskEnvironment) {
    this.record = record;
    this.#env = env;
    this.startedAt = env.clock.now();
    this.progress = { step: 'queued', stepSince: this.startedAt, attempt: 0 };
  }

  /** `undefined` when `signal` aborted before there was a result (A1). */
  async run(signal: AbortSignal): Promise<TaskResult | undefined> {
    const { spec, gate, clock, random, telemetry, lane } = this.#env;
    let attempt = 1;
    while (!signal.aborted) {
      await gate.passable(signal);
      if (signal.aborted) return undefined;
      this.progress.attempt = attempt;
      try {
        const result = await this.#attempt(attempt, signal);
        gate.succeed();
        return { outputs: result.outputs, always: [], order: result.order, error: undefined };
      } catch (thrown) {
        if (signal.aborted) return undefined;
        const error = toFirstFiveError(thrown).withStage(this.progress.step);
        telemetry.attemptFailed(error);
        this.#firstFailureAt ??= clock.now();
        const decision = decideFailure(error, attempt, spec.retry.maxAttempts);
        if (decision === 'reject') return this.#reject(error, attempt, lane);
        if (decision === 'pause') gate.fail(error);
        else await this.#backOff(attempt++, random(), signal);
      }
    }
    return undefined;
  }

  async #attempt(attempt: number, signal: AbortSignal): Promise<HandlerResult> {
    const { spec, clock, handler, lane } = this.#env;
    const controller = new AbortController();
    const stop = () => controller.abort();
    signal.addEventListener('abort', stop, { once: true });
    const late = Promise.withResolvers<never>();
    const cancel = clock.after(spec.watchdog.attemptDeadlineMs, () => {
      late.reject(
        new FirstFiveError(
          'STEP_TIMEOUT',
          `no result within ${spec.watchdog.attemptDeadlineMs} ms, in ${this.progress.step}`,
        ),
      );
      controller.abort();
    });
    const stopped = Promise.withResolvers<never>();
    const abandon = () => stopped.reject(new FirstFiveError('INTERNAL', 'stopped'));
    signal.addEventListener('abort', abandon, { once: true });
    try {
      const step = (name: string) => this.#enter(name);
      const work = handler.handle(this.record, { lane, attempt, signal: controller.signal, step });
      return await Promise.race([work, late.promise, stopped.promise]);
    } finally {
      this.#leave();
      cancel();
      signal.removeEventListener('abort', stop);
      signal.removeEventListener('abort', abandon);
    }
  }

  #enter(step: string): void {
    this.#leave();
    this.progress.step = step;
    this.progress.stepSince = this.#env.clock.now();
    this.#inStep = true;
  }

  /** The failing step is what a failure is attributed to, so its name outlives the attempt. */
  #leave(): void {
    const { step, stepSince } = this.progress;
    if (this.#inStep) this.#env.telemetry.stepDone(step, (this.#env.clock.now() - stepSince) / 1000);
    this.#inStep = false;
  }

  async #backOff(attempt: number, random: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#env.clock, backoffMs(this.#env.spec.retry, attempt, random), signal);
  }

  #reject(error: FirstFiveError, attempts: number, lane: Lane): TaskResult {
    const { spec, clock, handler } = this.#env;
    const now = clock.now();
    const letter = deadLetterRecord(this.record, {
      topic: spec.deadLetters,
      stage: error.stage ?? spec.name,
      code: error.code,
      message: error.message,
      attempts,
      firstFailureAt: this.#firstFailureAt ?? now,
      lastFailureAt: now,
    });
    const base = handler.rejected(this.record, error, lane);
    return { outputs: base?.outputs ?? [], always: [letter], order: base?.order, error };
  }
}
