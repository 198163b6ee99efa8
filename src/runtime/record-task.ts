/**
 * One record, from intake to its result: attempts, deadlines, backoff, and the dead letter at the end of the budget.
 *
 * A1. A task always ends: with outputs, in a retry topic, with a dead letter, or as abandoned (revoked or stopping; it is
 *     read again).
 * A2. Systemic errors spend no attempt (`IntakeGate`); every other failure does.
 * A3. A handler that ignores its signal cannot hold the partition: the deadline abandons the attempt without it.
 * A4. What a record does not use costs it nothing: signals and timers are made when first asked for.
 * A5. A record out of a retry topic is worked on as the record that it was: handlers, outputs and dead letters know its
 *     origin only.
 * A6. A result that its topic would not take is the record's own failure: in a commit it would stop everything.
 * A7. An attempt that succeeds costs one callback on the handler's promise: with trivial handlers a chain of promises is most
 *     of what a record costs.
 */
import { type Context, context } from '@opentelemetry/api';
import { FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import type { OutputRecord, StreamRecord } from '../core/record.ts';
import { backoffMs, decideFailure } from '../core/retry.ts';
import type { Lane } from '../core/upload.ts';
import { sleep } from './clock.ts';
import type { Deadline } from './deadlines.ts';
import type { HandlerContext, HandlerResult } from './handler.ts';
import {
  type EarlierAttempts,
  parkedResult,
  rejectedResult,
  type TaskEnvironment,
  type TaskResult,
  unfitFor,
} from './task-result.ts';

export interface TaskListener {
  /** `undefined` when the task was abandoned before there was a result. */
  onEnded(result: TaskResult | undefined): void;
  /** A defect of ours: a task must not throw. */
  onDefect(thrown: unknown): void;
  /** The task waits before its next attempt and does nothing meanwhile: its place may be another's. */
  onResting?(): void;
  /** The wait is over: `goOn` is to be called once there is a place again. */
  onRested?(goOn: () => void): void;
}

const NOTHING: readonly OutputRecord[] = [];

export class RecordTask {
  readonly record: StreamRecord;
  readonly startedAt: number;
  /** Where the record is; health reports it, and failures are attributed to it. */
  step = 'queued';
  attempt = 0;
  readonly #env: TaskEnvironment;
  readonly #earlier: EarlierAttempts | undefined;
  /** Attempts that were spent. */
  #attempts: number;
  #listener: TaskListener | undefined;
  #parent: Context | undefined;
  #stepSince: number;
  #inStep = false;
  #firstFailureAt: number | undefined;
  #abandoned = false;
  #waiting: AbortController | undefined;
  #current: Attempt | undefined;

  /** `record` as it was at its origin (A5). */
  constructor(record: StreamRecord, env: TaskEnvironment, earlier?: EarlierAttempts) {
    this.record = record;
    this.#env = env;
    this.#earlier = earlier;
    this.#attempts = earlier?.attempts ?? 0;
    this.#firstFailureAt = earlier?.firstFailureAt;
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
  run(): Promise<TaskResult | undefined> {
    return new Promise((resolve, reject) => this.start({ onEnded: resolve, onDefect: reject }));
  }

  /** `run` without a promise (A7). Once; the listener may be called before this returns. Attempts are made within `parent`. */
  start(listener: TaskListener, parent?: Context): void {
    this.#listener = listener;
    this.#parent = parent;
    this.#next();
  }

  #next(): void {
    const { gate } = this.#env;
    if (this.#abandoned) this.#end(undefined);
    else if (!gate.isOpen) this.#goOnAfter(gate.passable(this.#waitSignal()));
    // Whose timer or promise has led here does not matter: the record's own context is entered for each attempt.
    else if (this.#parent === undefined) this.#try();
    else context.with(this.#parent, () => this.#try());
  }

  #try(): void {
    const { handler, deadlines, lane } = this.#env;
    this.attempt = this.#attempts + 1;
    const current = new Attempt(this, lane);
    this.#current = current;
    current.deadline = deadlines.start(() => current.giveUp(this.#late()));
    try {
      handler.handle(this.record, current).then(
        (result) => this.#answered(current, result),
        (thrown: unknown) => this.#threw(current, thrown),
      );
    } catch (thrown) {
      this.#threw(current, thrown);
    }
  }

  #goOnAfter(waiting: Promise<void>): void {
    waiting.then(() => this.#next()).catch((thrown: unknown) => this.#listener?.onDefect(thrown));
  }

  #rest(waiting: Promise<void>): void {
    const listener = this.#listener;
    if (listener?.onResting === undefined || listener.onRested === undefined) {
      this.#goOnAfter(waiting);
      return;
    }
    listener.onResting();
    waiting
      .then(() => listener.onRested?.(() => this.#next()))
      .catch((thrown: unknown) => listener.onDefect(thrown));
  }

  /** A3: what comes after the attempt was given up is not looked at. */
  #answered(current: Attempt, { outputs, order }: HandlerResult): void {
    if (!this.#leave(current)) return;
    this.#env.gate.succeed();
    const unfit = unfitFor(this.#env.maxRecordBytes, outputs); // A6
    if (unfit === undefined) this.#end({ outputs, always: NOTHING, order, error: undefined });
    else this.#failed(unfit);
  }

  #threw(current: Attempt, thrown: unknown): void {
    if (this.#leave(current)) this.#failed(thrown);
  }

  /** Called by an attempt that is not waited for any more. */
  givenUp(current: Attempt, reason: FirstFiveError): void {
    // Not at once: who gives up is in the middle of something (a timer for many, a revocation).
    if (this.#leave(current)) queueMicrotask(() => this.#failed(reason));
  }

  /** False when the attempt was over already. */
  #leave(current: Attempt): boolean {
    if (this.#current !== current) return false;
    this.#current = undefined;
    current.deadline?.met();
    this.#leaveStep();
    return true;
  }

  #failed(thrown: unknown): void {
    try {
      const result = this.#abandoned
        ? undefined
        : this.#decide(toFirstFiveError(thrown).withStage(this.step));
      if (result !== 'again') this.#end(result);
    } catch (defect) {
      this.#listener?.onDefect(defect);
    }
  }

  #decide(error: FirstFiveError): TaskResult | 'again' {
    const { spec, gate, clock, random, telemetry } = this.#env;
    telemetry.attemptFailed(error);
    this.#firstFailureAt ??= clock.now();
    const { attempt } = this;
    const tier = this.#nextTier;
    const decision = decideFailure(error, attempt, spec.retry.maxAttempts, tier !== undefined);
    const failure = { error, attempts: attempt, firstFailureAt: this.#firstFailureAt };
    if (decision === 'reject') return rejectedResult(this.record, this.#env, failure);
    if (decision === 'park') return parkedResult(this.record, this.#env, { ...failure, tier: tier ?? 0 });
    if (decision === 'pause') {
      gate.fail(error);
      this.#next();
    } else {
      this.#attempts += 1;
      this.#rest(sleep(clock, backoffMs(spec.retry, attempt, random()), this.#waitSignal()));
    }
    return 'again';
  }

  #end(result: TaskResult | undefined): void {
    const listener = this.#listener;
    this.#listener = undefined;
    try {
      listener?.onEnded(result);
    } catch (defect) {
      listener?.onDefect(defect);
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

  get #nextTier(): number | undefined {
    const next = this.#earlier === undefined ? 0 : this.#earlier.tier + 1;
    return next < (this.#env.spec.retryTiers?.length ?? 0) ? next : undefined;
  }
}

/** One call of the handler, and the context that it sees. */
class Attempt implements HandlerContext {
  readonly lane: Lane;
  readonly attempt: number;
  deadline: Deadline | undefined;
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
    this.#controller?.abort();
    this.#task.givenUp(this, reason);
  }
}
