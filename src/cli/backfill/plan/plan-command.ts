/** `backfill plan`: captures a range, counts it, estimates it, and writes it down. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type BackfillPlan, parsePlan, planText, runTopic } from '../../../core/backfill-plan.ts';
import { FirstFiveError } from '../../../core/errors.ts';
import { ControlTopic } from '../../../runtime/backfill/control-topic.ts';
import type { Log } from '../../../runtime/log.ts';
import type { CliContext } from '../../context.ts';
import { openSerdes, withLog } from '../../openers.ts';
import { openProgress } from '../../output/progress-line.ts';
import { writeLine } from '../../output/streams.ts';
import { configurationOf } from '../../run-flags.ts';
import { onlyStage } from '../live-stage.ts';
import { estimate } from './plan-estimate.ts';
import { backfillFilter, type FilterFlags, recordPredicate } from './plan-filter.ts';
import { plannedRanges, type RangeFlags } from './plan-range.ts';
import { planLines } from './plan-text.ts';
import { scanRange } from './scan.ts';

export interface PlanFlags extends RangeFlags, FilterFlags, Readonly<Record<string, unknown>> {
  readonly run?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export async function planBackfill(context: CliContext, flags: PlanFlags): Promise<void> {
  const configuration = await configurationOf(context, flags);
  const { options } = configuration;
  const stop = context.stopSignal();
  await withLog(options.log, { context }, async (log) => {
    const control = new ControlTopic(log, options.topicPrefix);
    const made = await newPlan(context, flags, { configuration, log, control, stop });
    if (stop.aborted)
      throw new FirstFiveError('USAGE', 'stopped before the range was counted: there is no plan');
    // Read back, so that what is written is what `run` will accept.
    const text = planText(parsePlan(planText(made)));
    if (flags.out !== undefined) await writePlan(resolve(context.cwd, flags.out), text);
    else {
      await control.ensure();
      await control.write(made.run, 'plan', text, context.now());
    }
    if (flags.json) return writeLine(context.stdout, JSON.stringify(JSON.parse(text)));
    return writeLine(
      context.stdout,
      planLines(made, {
        file: flags.out,
        topology: typeof flags.topology === 'string' ? flags.topology : undefined,
      }).join('\n'),
    );
  });
}

interface Planning {
  readonly configuration: Awaited<ReturnType<typeof configurationOf>>;
  readonly log: Log;
  readonly control: ControlTopic;
  readonly stop: AbortSignal;
}

async function newPlan(
  context: CliContext,
  flags: PlanFlags,
  { configuration, log, control, stop }: Planning,
): Promise<BackfillPlan> {
  const { options, topology } = configuration;
  const stage = onlyStage(topology);
  const now = context.now();
  const runs = await control.read();
  const run = flags.run ?? newRunId(now);
  if (runs.has(run))
    throw new FirstFiveError('USAGE', `--run: there is a run ${run} already; plans never change`);
  const serdes = await openSerdes(options.registry, context.env);
  const filter = backfillFilter(flags);
  const ranges = await plannedRanges(log, stage.input, flags, now);
  const predicate = await recordPredicate(filter, { log, serdes, stage });
  const progress = openProgress({
    stream: context.stderr,
    label: 'counting',
    noun: 'records',
    enabled: !flags.json,
  });
  const onRecord = (done: number) => progress.update({ done, failed: 0, inWork: 0, total: undefined });
  const scan = await scanRange(log, {
    topic: stage.input,
    ranges,
    predicate,
    onRecord,
    signal: stop,
  }).finally(() => progress.close());
  const records = scan.counted.selected;
  return {
    schemaVersion: 1,
    run,
    createdAt: now,
    topology: topology.name,
    stage: stage.name,
    steps: [...stage.steps],
    groupId: stage.groupId,
    input: stage.input,
    liveOutputs: { ...stage.outputs },
    outputs: Object.fromEntries(
      Object.entries(stage.outputs).map(([step, topic]) => [step, runTopic(topic, run)]),
    ),
    deadLetters: runTopic(stage.deadLetters, run),
    from: flags.from,
    to: flags.to,
    filter,
    partitions: [...scan.partitions],
    counted: scan.counted,
    estimate: await estimate({ log, serdes, topology, stage, runs: runs.values(), records }),
  };
}

/** The time to the second, and three random bytes against two plans in one second. */
function newRunId(now: number): string {
  const time = new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  return `${time}-${randomBytes(3).toString('hex')}`;
}

async function writePlan(path: string, text: string): Promise<void> {
  try {
    // A plan is never overwritten: another one may be running.
    await writeFile(path, text, { flag: 'wx' });
  } catch (thrown) {
    const reason = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
    throw new FirstFiveError('USAGE', `--out: cannot write ${path} (${reason})`, { cause: thrown });
  }
}
