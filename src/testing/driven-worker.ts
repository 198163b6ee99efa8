/**
 * One worker process of a driven run: the topology's stages under real `StageRunner`s, over a connection of its own.
 *
 * D1. The process ends with the first of its stages that ends by itself, as `up` does; its supervisor starts the next one.
 */
import type { FirstFiveError } from '../core/errors.ts';
import { toFirstFiveError } from '../core/errors.ts';
import { sleep } from '../runtime/clock.ts';
import type { RecordHandler } from '../runtime/handler.ts';
import type { LatestTable } from '../runtime/latest-table.ts';
import type { Log } from '../runtime/log.ts';
import { StageRunner } from '../runtime/stage-runner.ts';
import { StageTelemetry } from '../runtime/telemetry.ts';
import { guardedTopic, type StageSpec } from '../runtime/topology.ts';
import type { FaultPlan, WorkerStep } from './fault-plan.ts';
import type { HandlerLog } from './handler-log.ts';
import type { WorkerLife } from './worker-life.ts';

export interface WorkerParts {
  readonly slot: string;
  readonly stages: readonly StageSpec[];
  readonly life: WorkerLife;
  readonly log: Log;
  readonly handlerOf: (stage: StageSpec) => RecordHandler;
  readonly tableOf: (stage: StageSpec) => LatestTable;
  readonly random: () => number;
  readonly faults: FaultPlan;
  readonly answers: HandlerLog;
  /** Milliseconds that an attempt takes, at most. */
  readonly maxWorkMs: number;
  readonly onCrash: (at: string) => void;
  readonly onFreeze: (ms: number, at: string) => void;
  readonly onEnded: (failure: FirstFiveError) => void;
}

export class DrivenWorker {
  readonly slot: string;
  readonly life: WorkerLife;
  readonly runners: readonly StageRunner[];
  readonly #parts: WorkerParts;

  constructor(parts: WorkerParts) {
    this.slot = parts.slot;
    this.life = parts.life;
    this.#parts = parts;
    this.runners = parts.stages.map((spec) => this.#runner(spec));
  }

  /** Joins the groups, one after the other. What comes of it is told by `onEnded`. */
  start(): void {
    void this.#start().catch((thrown: unknown) => this.#ended(toFirstFiveError(thrown)));
  }

  async stop(drainMs: number): Promise<void> {
    await Promise.all(this.runners.map((runner) => runner.stop(drainMs)));
    this.life.kill();
  }

  crash(at: string): void {
    if (this.life.isDead) return;
    this.life.kill();
    this.#parts.onCrash(at);
  }

  freeze(ms: number, at: string): void {
    if (!this.life.isReady) return;
    this.life.freeze(ms);
    this.#parts.onFreeze(ms, at);
  }

  /** A step of this worker: waits for its turn, and may not survive it. */
  async step(step: WorkerStep): Promise<void> {
    await this.life.turn();
    this.#parts.faults.strike(step, this);
    // Dead or frozen by now: the next turn comes when it thaws, or never.
    if (!this.life.isReady) await this.life.turn();
  }

  async #start(): Promise<void> {
    for (const runner of this.runners) {
      await runner.start();
      void runner.ended().then(() => {
        if (runner.failure !== undefined) this.#ended(runner.failure);
      });
    }
  }

  #ended(failure: FirstFiveError): void {
    if (this.life.isDead) return;
    this.life.kill(); // D1
    this.#parts.onEnded(failure);
  }

  #runner(spec: StageSpec): StageRunner {
    const { slot, log, life, random, tableOf } = this.#parts;
    const ranking = guardedTopic(spec);
    return new StageRunner({
      spec,
      lane: 'live',
      slot,
      log,
      handler: this.#handler(spec),
      ...(ranking === undefined ? {} : { guard: { topic: ranking, table: tableOf(spec) } }),
      clock: life.clock,
      random,
      telemetry: new StageTelemetry(spec.name, spec.groupId),
    });
  }

  #handler(spec: StageSpec): RecordHandler {
    const { handlerOf, life, random, answers, maxWorkMs } = this.#parts;
    const handler = handlerOf(spec);
    return {
      handle: async (record, context) => {
        await this.step('work');
        if (maxWorkMs > 0) await sleep(life.clock, random() * maxWorkMs, context.signal);
        const result = await handler.handle(record, context);
        await this.step('worked');
        answers.handled(spec.name, record, result);
        return result;
      },
      rejected: (record, error, lane) => {
        const result = handler.rejected(record, error, lane);
        answers.rejected(spec.name, record, result);
        return result;
      },
    };
  }
}
