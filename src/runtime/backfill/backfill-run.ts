/**
 * One process of a backfill: a stage on a bounded view of the log, from the group's offsets to the end of the plan.
 *
 * U1. It ends by itself when the log holds nothing more of the range (`range-group.ts`), never because nothing came.
 * U2. Once a tick it reads what is wanted of it (pause, resume); every two seconds it says that it is alive.
 * U3. A process that is killed leaves offsets, outputs and counters of its last commit; the next one goes on there.
 */
import type { BackfillPlan } from '../../core/backfill-plan.ts';
import { type BackfillProgress, finishedRecords } from '../../core/backfill-progress.ts';
import type { RunProcess } from '../../core/backfill-state.ts';
import { type FirstFiveError, needsRestart, toFirstFiveError } from '../../core/errors.ts';
import { OffsetSelection } from '../../core/offset-selection.ts';
import type { StreamRecord } from '../../core/record.ts';
import { type Clock, sleep } from '../clock.ts';
import type { RecordHandler } from '../handler.ts';
import type { LatestTable } from '../latest-table.ts';
import type { Log } from '../log.ts';
import { type SettledRecord, StageRunner } from '../stage-runner.ts';
import { StageTelemetry } from '../telemetry.ts';
import { guardedTopic, type StageSpec } from '../topology.ts';
import { backfillLog } from './backfill-log.ts';
import { backfillStage, selecting } from './backfill-stage.ts';
import type { ControlTail, ControlTopic } from './control-topic.ts';
import { planRanges, remainingRanges, requireRetained, seatGroup } from './range-group.ts';
import { RateWindow } from './rate-window.ts';
import { Tally } from './tally.ts';
import { TokenBucket } from './token-bucket.ts';

export interface BackfillRunOptions {
  readonly log: Log;
  readonly plan: BackfillPlan;
  /** The live stage; topics and group become the run's own. */
  readonly stage: StageSpec;
  readonly handler: RecordHandler;
  readonly table: LatestTable;
  readonly control: ControlTopic;
  readonly slot: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** What stands in heartbeats. */
  readonly process: Pick<RunProcess, 'pid' | 'host'>;
  /** Records per second; absent: as fast as it goes. */
  readonly rate?: number;
  readonly before: BackfillProgress | undefined;
  readonly onSettled?: (settled: SettledRecord) => void;
  /** Called once, when nothing is left and everything is committed; the process counts as alive meanwhile. */
  readonly onFinished?: () => Promise<void>;
  readonly onTick?: (status: BackfillStatus) => void;
}

export interface BackfillStatus {
  readonly progress: BackfillProgress;
  readonly isPaused: boolean;
  readonly inWork: number;
  /** Of this process, over about the last half minute; null before there is one. */
  readonly recordsPerSecond: number | null;
}

/** `finished`: nothing is left of the range. `stopped`: it was asked to stop before. */
export type BackfillEnd =
  | { readonly end: 'finished' | 'stopped' }
  | { readonly end: 'failed'; readonly error: FirstFiveError };

const TICK_MS = 500;
const HEARTBEAT_MS = 2_000;
/** Between two looks at the log while nothing comes; doubled from the first to the second. */
const LOOK_MS = { first: 500, longest: 8_000 };

export class BackfillRun {
  readonly #options: BackfillRunOptions;
  readonly #pause = { isPaused: false };
  readonly #stopping = new AbortController();
  readonly #selections: ReadonlyMap<number, OffsetSelection | undefined>;
  readonly #tally: Tally;
  readonly #startedAt: number;
  readonly #rate = new RateWindow();
  #saidAliveAt: number | undefined;
  #lookAt = 0;
  #lookMs = LOOK_MS.first;

  constructor(options: BackfillRunOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#selections = new Map(
      options.plan.partitions.map(({ partition, offsets }) => [
        partition,
        offsets === undefined ? undefined : OffsetSelection.decode(offsets),
      ]),
    );
    const { plan, stage, before } = options;
    this.#tally = new Tally({
      results: plan.outputs[stage.steps.at(-1) ?? ''] ?? '',
      deadLetters: plan.deadLetters,
      isSelected: this.#isSelected,
      before,
    });
  }

  /** Ends the run after draining: what is in work is finished and committed. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Resolves when the run has ended and everything is committed. Rejects with what made starting impossible. */
  async run(drainMs: number): Promise<BackfillEnd> {
    const { log, plan, slot, clock, control } = this.#options;
    await requireRetained(log, plan);
    await seatGroup({ log, plan, slot, clock });
    const runner = this.#runner();
    await runner.start();
    const tail = await control.follow();
    try {
      const end = await this.#untilEnd(runner, tail);
      await runner.stop(end.end === 'failed' ? 0 : drainMs);
      const { failure } = runner;
      if (end.end === 'finished' && failure === undefined) await this.#beating(this.#options.onFinished);
      await this.#sayAlive('stopped').catch(() => {});
      return failure === undefined ? end : { end: 'failed', error: failure };
    } finally {
      await runner.stop(0);
      await tail.close();
    }
  }

  get status(): BackfillStatus {
    return {
      progress: this.#tally.progress,
      isPaused: this.#pause.isPaused,
      inWork: this.#tally.pending,
      recordsPerSecond: this.#rate.perSecond,
    };
  }

  #runner(): StageRunner {
    const { log, plan, stage, slot, clock, control, rate, table, random, onSettled } = this.#options;
    const spec = backfillStage(stage, plan);
    const ranking = guardedTopic(spec);
    return new StageRunner({
      spec,
      lane: 'backfill',
      slot,
      log: backfillLog({
        log,
        plan,
        slot,
        control,
        clock,
        tally: this.#tally,
        pause: this.#pause,
        isSelected: this.#isSelected,
        ...(rate === undefined ? {} : { bucket: new TokenBucket(clock, rate) }),
      }),
      handler: selecting(this.#options.handler, this.#isSelected),
      ...(ranking === undefined ? {} : { guard: { topic: ranking, table } }),
      clock,
      random,
      telemetry: new StageTelemetry(spec.name, spec.groupId),
      ...(onSettled === undefined ? {} : { onSettled }),
    });
  }

  readonly #isSelected = (record: StreamRecord): boolean => {
    const selection = this.#selections.get(record.partition);
    return selection === undefined || selection.has(record.offset);
  };

  async #untilEnd(runner: StageRunner, tail: ControlTail): Promise<BackfillEnd> {
    const { clock, onTick } = this.#options;
    const ended = runner.ended().then(() => this.#stopping.abort());
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#obey(tail);
        await this.#sayAlive('running');
        if (await this.#isFinished(runner)) return { end: 'finished' };
      } catch (thrown) {
        const error = toFirstFiveError(thrown);
        // The stage waits for its log to come back, and so does what stands around it.
        if (error.kind !== 'systemic' || needsRestart(error)) return { end: 'failed', error };
      }
      onTick?.(this.status);
      await sleep(clock, TICK_MS, this.#stopping.signal);
    }
    if (runner.failure !== undefined) {
      await ended;
      return { end: 'failed', error: runner.failure };
    }
    return { end: 'stopped' };
  }

  /** U2. */
  async #obey(tail: ControlTail): Promise<void> {
    const state = await tail.latest(this.#options.plan.run);
    this.#pause.isPaused = state?.wanted?.state === 'pause';
  }

  async #sayAlive(state: RunProcess['state']): Promise<void> {
    const { clock, control, plan, slot, process } = this.#options;
    const now = clock.now();
    if (state === 'running' && this.#saidAliveAt !== undefined && now - this.#saidAliveAt < HEARTBEAT_MS)
      return;
    const word: RunProcess = {
      ...process,
      state,
      startedAt: this.#startedAt,
      at: now,
      recordsPerSecond: this.#rate.perSecond,
    };
    await control.write(plan.run, `process.${slot}`, word, now);
    this.#saidAliveAt = now;
  }

  /** U2, while `work` takes its time. */
  async #beating(work: (() => Promise<void>) | undefined): Promise<void> {
    const done = new AbortController();
    const beats = async () => {
      while (!done.signal.aborted) {
        await this.#sayAlive('running').catch(() => {});
        await sleep(this.#options.clock, HEARTBEAT_MS, done.signal);
      }
    };
    const beating = beats();
    try {
      await work?.();
    } finally {
      done.abort();
      await beating;
    }
  }

  /** U1. While records come, or are in work, there is nothing to look at. */
  async #isFinished(runner: StageRunner): Promise<boolean> {
    const { clock, log, plan } = this.#options;
    const now = clock.now();
    this.#rate.add(now, finishedRecords(this.#tally.progress.counts));
    if (this.#tally.pending > 0 || runner.inFlight.records > 0) {
      this.#lookMs = LOOK_MS.first;
      this.#lookAt = now + this.#lookMs;
      return false;
    }
    if (now < this.#lookAt) return false;
    if ((await remainingRanges(log, planRanges(plan))).length === 0) return true;
    this.#lookMs = Math.min(LOOK_MS.longest, this.#lookMs * 2);
    this.#lookAt = now + this.#lookMs;
    return false;
  }
}
