/**
 * `backfill run`: works on a plan until nothing of it is left, or until it is stopped.
 *
 * R1. The priority is lowered before decode children and inference workers are made: they inherit it.
 * R2. A run that is stopped or killed goes on with the next `backfill run`; one that is finished only shows its receipt.
 */
import { DEFAULT_DECODE_LIMITS } from '../../../core/extraction.ts';
import type { Receipt } from '../../../core/receipt.ts';
import { ControlTopic } from '../../../runtime/backfill/control-topic.ts';
import { openEngine } from '../../compose/engine.ts';
import type { CliContext } from '../../context.ts';
import { openSerdes, openStore, withLog } from '../../openers.ts';
import { writeJson, writeLine } from '../../output/streams.ts';
import { configurationOf } from '../../run-flags.ts';
import { plannedStage, runTopics } from '../live-stage.ts';
import { makeReceipt } from '../report/make-receipt.ts';
import { receiptPath, writeReceipt } from '../report/receipt-file.ts';
import { receiptLines } from '../report/receipt-text.ts';
import { knownRun, type PlannedState } from '../run-reference.ts';
import { identityOf, requireSameIdentity } from './identity.ts';
import { takeLowestPriority } from './low-priority.ts';
import { openPlan } from './open-plan.ts';
import { parseRate } from './rate.ts';
import { type Work, workToEnd } from './work-to-end.ts';

export interface RunFlags extends Readonly<Record<string, unknown>> {
  readonly rate?: string;
  readonly json?: boolean;
}

/** At the lowest priority a decode may stand still while live work goes on: that must not look like a hostile file. */
const PATIENT = { ...DEFAULT_DECODE_LIMITS, deadlineMs: 120_000 };

export async function runBackfill(context: CliContext, reference: string, flags: RunFlags): Promise<void> {
  const rate = parseRate(flags.rate);
  const configuration = await configurationOf(context, flags);
  const { options } = configuration;
  takeLowestPriority(); // R1
  const stop = context.stopSignal();
  await withLog(options.log, { context, delivery: 'exactly-once' }, async (log) => {
    const control = new ControlTopic(log, options.topicPrefix);
    await control.ensure();
    const state = await openPlan(control, reference, { cwd: context.cwd, now: context.now() });
    const serdes = await openSerdes(options.registry, context.env);
    const work = { context, configuration, log, control, state, serdes, stop, isQuiet: flags.json === true };
    const receipt = state.receipt ?? (await receiptAfterWork({ ...work, rate }));
    if (receipt === undefined) return stoppedEarly(context, state);
    await writeReceipt(receiptPath(options.dataDir, receipt.run), receipt);
    if (flags.json) return writeJson(context.stdout, receipt);
    return writeLine(context.stdout, receiptLines(receipt).join('\n'));
  });
}

/** `undefined` when the run was stopped before its end. */
async function receiptAfterWork(work: Work): Promise<Receipt | undefined> {
  const { context, configuration, log, control, state, serdes } = work;
  const { options, topology } = configuration;
  const { plan } = state;
  const stage = plannedStage(topology, plan);
  const access = { files: { mediaRoots: options.mediaRoots }, places: options.mediaPlaces };
  const store = await openStore(options.store, access, context.env);
  const engine = await openEngine({ options, topology, store, cores: context.cores, limits: PATIENT });
  try {
    const identity = identityOf(engine, context.now());
    if (state.identity !== undefined) requireSameIdentity(plan.run, state.identity, identity);
    else await control.write(plan.run, 'identity', identity, context.now());
    await control.write(plan.run, 'wanted', { state: 'run', at: context.now() }, context.now());
    await log.admin.ensureTopics(runTopics(topology, stage, plan));
    let receipt: Receipt | undefined;
    await workToEnd(work, engine, async () => {
      const settled = knownRun(await control.read(), plan.run);
      receipt = await makeReceipt({ log, serdes }, settled, settled.identity ?? identity, context.now());
      await control.write(plan.run, 'receipt', receipt, context.now());
    });
    return receipt;
  } finally {
    await engine.close();
  }
}

/** A script must not go on to publish half a run. */
function stoppedEarly(context: CliContext, { plan }: PlannedState): void {
  context.stderr.write(
    `run ${plan.run} was stopped before its end; go on with: firstfive backfill run ${plan.run}\n`,
  );
  context.setExitCode(1);
}
