/**
 * One record, from intake to its result: attempts, deadlines, backoff, and the dead letter at the end of the budget.
 *
 * A1. A task always ends: with outputs, with a dead letter, or as abandoned (revoked or stopping; it is read again).
 * A2. Systemic errors spend no attempt (`IntakeGate`); every other failure does.
 * A3. A handler that ignores its signal cannot hold the partition: the deadline abandons the attempt without it.
 * A4. What a record does not use costs it nothing: signals and timers are made when first asked for.
 */
import { deadLetterRecord } from '../core/dead-letter.ts';
import { FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import type { OutputRecord, StreamRecord } from '../core/record.ts';
import { backoffMs, decideFailure } from '../core/retry.ts';
import type { Lane } from '../core/upload.ts';
import { type Clock, sleep } from './clock.ts';
import type { Deadlines } from './deadlines.ts';
import type { EmissionOrder, HandlerContext, HandlerResult, RecordHandler } from './handler.ts';
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
  readonly deadlines: Deadlines;
  readonly random: () => number;
  readonly telemetry: StageTelemetry;
}

const NOTHING: readonly OutputRecord[] = [];

export class RecordTask {
  readonly record: StreamRecord;
  readonly startedAt: number;
  /** Where the record is; health reports it, and failures are attributed to it. */
  step = 'queued';
  attempt = 0;
  readonly #env: TaskEnvironment;
  #stepSince: number;
  #inStep = false;
  #firstFailureAt: number | undefined;
  #abandoned = false;
  #waiting: AbortController | undefined;
  #current: Attempt | undefined;

  constructor(record: StreamRecord, env: TaskEnvironment) {
    this.record = record;
    this.#env = env;
    this.startedAt = env.clock.now();
    this.#stepSince = this.startedAt;
  }

  /** Ends the task without a result, wherever it is (A1). */
  abandon(): void {
    this.#abandoned = true;
    this.#waiting?.abort();
    this.#current?.giveUp(new FirstFiveError('INTERNAL', 'abandoned'));
  }

  /** `undefined` when the task was abandoned before there was a result. */
  async run(): Promise<TaskResult | undefined> {
    const { spec, gate, clock, random, telemetry } = this.#env;
    let attempt = 1;
    while (!this.#abandoned) {
      if (!gate.isOpen) {
        await gate.passable(this.#waitSignal());
        continue;
      }
      this.attempt = attempt;
      try {
        const result = await this.#try();
        gate.succeed();
        return { outputs: result.outputs, always: NOTHING, order: result.order, error: undefined };
      } catch (thrown) {
        if (this.#abandoned) return undefined;
        const error = toFirstFiveError(thrown).withStage(this.step);
        telemetry.attemptFailed(error);
        this.#firstFailureAt ??= clock.now();
        const decision = decideFailure(error, attempt, spec.retry.maxAttempts);
        if (decision === 'reject') return this.#reject(error, attempt);
        if (decision === 'pause') gate.fail(error);
        else await sleep(clock, backoffMs(spec.retry, attempt++, random()), this.#waitSignal());
      }
    }
    return undefined;
  }

  async #try(): Promise<HandlerResult> {
    const attempt = new Attempt(this, this.#env.lane);
    this.#current = attempt;
    const deadline = this.#env.deadlines.start(() => attempt.giveUp(this.#late()));
    try {
      this.#env.handler.handle(this.record, attempt).then(attempt.settled.resolve, attempt.settled.reject);
      return await attempt.settled.promise;
    } finally {
      this.#current = undefined;
      deadline.met();
      this.#leaveStep();
    }
  }

  /** Called by the attempt's handler. */
  enterStep(step: string): void {
    this.#leaveStep();
    this.step = step;
    this.#stepSince = this.#env.clock.now();
    this.#inStep = true;
  }

  /** The failing step is what a failure is attributed to, so its name outlives the attempt. */
  #leaveStep(): void {
    if (this.#inStep) {
      this.#env.telemetry.stepDone(this.step, (this.#env.clock.now() - this.#stepSince) / 1000);
    }
    this.#inStep = false;
  }

  #late(): FirstFiveError {
    const { attemptDeadlineMs } = this.#env.spec.watchdog;
    return new FirstFiveError('STEP_TIMEOUT', `no result within ${attemptDeadlineMs} ms, in ${this.step}`);
  }

  #waitSignal(): AbortSignal {
    this.#waiting ??= new AbortController();
    return this.#waiting.signal;
  }

  #reject(error: FirstFiveError, attempts: number): TaskResult {
    const { spec, clock, handler, lane } = this.#env;
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
    return { outputs: base?.outputs ?? NOTHING, always: [letter], order: base?.order, error };
  }
}

/** One call of the handler, and the context that it sees. */
class Attempt implements HandlerContext {
  readonly lane: Lane;
  readonly attempt: number;
  readonly settled = Promise.withResolvers<HandlerResult>();
  readonly #task: RecordTask;
  #controller: AbortController | undefined;
  #givenUp = false;

  constructor(task: RecordTask, lane: Lane) {
    this.#task = task;
    this.lane = lane;
    this.attempt = task.attempt;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#givenUp) this.#controller.abort();
    return this.#controller.signal;
  }

  step(name: string): void {
    if (!this.#givenUp) this.#task.enterStep(name);
  }

  giveUp(reason: FirstFiveError): void {
    this.#givenUp = true;
    this.settled.reject(reason);
    this.#controller?.abort();
  }
}
