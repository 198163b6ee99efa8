/**
 * `backfill publish`: hands a finished run to the live group.
 *
 * P1. Nothing here writes the ranking topic. Rows go to the live stage's `publish` topic, and the live group drops what is
 *     older than a score that it has emitted. Of equal revision and tier the published row wins: to replace the score of
 *     another bundle is what a cut-over is for.
 */
import { FirstFiveError } from '../../core/errors.ts';
import { headerText, type StreamRecord } from '../../core/record.ts';
import { ControlTopic } from '../../runtime/backfill/control-topic.ts';
import { publishRanges, publishRows } from '../../runtime/backfill/publish-rows.ts';
import { uncommittedRanges } from '../../runtime/backfill/range-group.ts';
import { readRange } from '../../runtime/backfill/read-range.ts';
import { systemClock } from '../../runtime/clock.ts';
import { catchUp, compareOrder, memoryTable } from '../../runtime/latest-table.ts';
import type { Log } from '../../runtime/log.ts';
import { REVISION_HEADER, TIER_HEADER } from '../../runtime/record-headers.ts';
import type { Topology } from '../../runtime/topology.ts';
import type { CliContext } from '../context.ts';
import { withLog } from '../openers.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { configurationOf } from '../run-flags.ts';
import { plannedStage } from './live-stage.ts';
import { requireReceipt } from './report/check-run.ts';
import { knownRun, type PlannedState } from './run-reference.ts';

export interface PublishFlags extends Readonly<Record<string, unknown>> {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export async function publishBackfill(context: CliContext, run: string, flags: PublishFlags): Promise<void> {
  const { options, topology } = await configurationOf(context, flags);
  const signal = context.stopSignal();
  await withLog(options.log, { context, delivery: 'exactly-once' }, async (log) => {
    const state = knownRun(await new ControlTopic(log, options.topicPrefix).read(), run);
    requireReceipt(state);
    const topic = await publishTopic(log, topology, state, flags.dryRun === true);
    if (flags.dryRun) {
      const found = await dryRun(log, state);
      if (flags.json) return writeJson(context.stdout, { run, topic, dryRun: true, ...found });
      return writeLine(
        context.stdout,
        `run ${run}: ${found.rows} rows to publish: ${found.new} new, ${found.replacing} replace, ${found.older} older than what is live`,
      );
    }
    const published = await publishRows({ log, plan: state.plan, topic, clock: systemClock, signal });
    if (signal.aborted) context.setExitCode(1);
    if (flags.json) return writeJson(context.stdout, { run, topic, dryRun: false, rows: published });
    const nothing = published === 0 && !signal.aborted ? ' (all of it was published before)' : '';
    return writeLine(context.stdout, `run ${run}: ${published} rows handed to ${topic}${nothing}`);
  });
}

/** The live stage's side input; made when it is missing, since a live process of an older topology would not have. */
async function publishTopic(
  log: Log,
  topology: Topology,
  { plan }: PlannedState,
  isDry: boolean,
): Promise<string> {
  const { publish } = plannedStage(topology, plan);
  const spec = topology.topics.find(({ name }) => name === publish);
  if (publish === undefined || spec === undefined) {
    throw new FirstFiveError(
      'TOPOLOGY_INVALID',
      `topology ${topology.name} has no \`publish\` topic, by which the live group takes ready-made scores`,
    );
  }
  if (!isDry) await log.admin.ensureTopics([spec]);
  return publish;
}

interface DryRun {
  readonly rows: number;
  readonly new: number;
  readonly replacing: number;
  readonly older: number;
}

/** Of the rows that are still to be published: what the live group would do with each as it stands now. */
async function dryRun(log: Log, { plan }: PlannedState): Promise<DryRun> {
  const group = await publishRanges(log, plan);
  const table = memoryTable();
  const live = plan.liveOutputs.score ?? '';
  const known = (await log.admin.describeTopics()).find(({ name }) => name === live);
  if (known !== undefined) await catchUp(log, table, live, [...known.offsets.keys()]);
  const counts = { rows: 0, new: 0, replacing: 0, older: 0 };
  for await (const record of readRange(log, group.topic, await uncommittedRanges(log, group))) {
    const latest = table.get(new TextDecoder().decode(record.key ?? new Uint8Array()));
    counts.rows += 1;
    if (latest === undefined) counts.new += 1;
    else if (compareOrder(orderOf(record), latest) < 0) counts.older += 1;
    else counts.replacing += 1;
  }
  return counts;
}

function orderOf({ headers }: StreamRecord): { revision: number; tier: number } {
  return {
    revision: Number(headerText(headers, REVISION_HEADER)),
    tier: Number(headerText(headers, TIER_HEADER)),
  };
}
