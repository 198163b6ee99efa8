/** One process of a backfill, composed: the live stage's handler, a table of what was emitted, progress and warnings. */
import { hostname } from 'node:os';
import type { Serdes } from '../../../adapters/schemas/index.ts';
import { createLogger } from '../../../adapters/telemetry/logger.ts';
import type { Configuration } from '../../../config/load.ts';
import { backfillGroup } from '../../../core/backfill-plan.ts';
import { finishedRecords, rejectedTotal } from '../../../core/backfill-progress.ts';
import { BackfillRun, type BackfillStatus } from '../../../runtime/backfill/backfill-run.ts';
import { backfillStage } from '../../../runtime/backfill/backfill-stage.ts';
import type { ControlTopic } from '../../../runtime/backfill/control-topic.ts';
import { systemClock } from '../../../runtime/clock.ts';
import type { LatestTable } from '../../../runtime/latest-table.ts';
import type { Log } from '../../../runtime/log.ts';
import type { SettledRecord } from '../../../runtime/stage-runner.ts';
import type { Engine } from '../../compose/engine.ts';
import { stageHandler } from '../../compose/stage-handler.ts';
import type { CliContext } from '../../context.ts';
import { openProgress } from '../../output/progress-line.ts';
import { plannedStage } from '../live-stage.ts';
import type { PlannedState } from '../run-reference.ts';
import { openRunTable } from './run-table.ts';

export interface Work {
  readonly context: CliContext;
  readonly configuration: Configuration;
  readonly log: Log;
  readonly control: ControlTopic;
  readonly state: PlannedState;
  readonly serdes: Serdes;
  readonly stop: AbortSignal;
  /** No progress line. */
  readonly isQuiet: boolean;
  readonly rate: number | undefined;
}

/** Rejects with what ended the run by itself. `onFinished` is called when nothing is left of it. */
export async function workToEnd(
  work: Work,
  engine: Engine,
  onFinished: () => Promise<void>,
): Promise<'finished' | 'stopped'> {
  const { configuration, state, stop } = work;
  const { options } = configuration;
  const { plan } = state;
  const table = await openRunTable(options, `${backfillGroup(plan)}.${options.replica}`);
  const progress = progressOf(work);
  const run = newRun(work, { engine, table: table.table, onFinished, onTick: progress.update });
  const onStop = () => run.stop();
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) run.stop();
  try {
    const end = await run.run(options.drainMs);
    if (end.end === 'failed') throw end.error;
    await table.close({ forget: end.end === 'finished' });
    return end.end;
  } finally {
    stop.removeEventListener('abort', onStop);
    progress.close();
    await table.close({ forget: false });
  }
}

interface RunParts {
  readonly engine: Engine;
  readonly table: LatestTable;
  readonly onFinished: () => Promise<void>;
  readonly onTick: (status: BackfillStatus) => void;
}

function newRun(work: Work, { engine, table, onFinished, onTick }: RunParts): BackfillRun {
  const { context, configuration, log, control, state, serdes, rate } = work;
  const { options, topology } = configuration;
  const { plan } = state;
  const stage = plannedStage(topology, plan);
  const slot = String(options.replica);
  const logger = createLogger({ level: options.logLevel });
  return new BackfillRun({
    log,
    plan,
    stage,
    handler: stageHandler({ stage: backfillStage(stage, plan), serdes, engine, now: context.now }),
    table,
    control,
    slot,
    clock: systemClock,
    random: Math.random,
    process: { pid: process.pid, host: hostname() },
    before: state.progress.get(slot),
    ...(rate === undefined ? {} : { rate }),
    onSettled: ({ record, error }: SettledRecord) => {
      if (error === undefined) return;
      const { topic, partition, offset } = record;
      const at = { topic, partition, offset: String(offset), step: error.stage };
      logger.warn({ ...at, code: error.code }, 'an upload of a backfill was dead-lettered');
    },
    onFinished,
    onTick,
  });
}

function progressOf({ context, state, isQuiet }: Work) {
  const total = state.plan.counted.selected;
  const line = openProgress({
    stream: context.stderr,
    label: 'backfill',
    noun: 'records',
    enabled: !isQuiet,
  });
  return {
    update: ({ progress, inWork }: BackfillStatus) => {
      const { counts } = progress;
      line.update({ done: finishedRecords(counts), failed: rejectedTotal(counts), inWork, total });
    },
    close: () => line.close(),
  };
}
