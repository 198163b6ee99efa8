/** The plan that `backfill run` was given: a file, or a run of the control topic. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { backfillPlanDigest, parsePlan, planText } from '../../../core/backfill-plan.ts';
import { FirstFiveError } from '../../../core/errors.ts';
import type { ControlTopic } from '../../../runtime/backfill/control-topic.ts';
import { knownRun, type PlannedState } from '../run-reference.ts';

/** Writes the plan of a file to the control topic when it is not there yet: from then on the run has a name. */
export async function openPlan(
  control: ControlTopic,
  reference: string,
  { cwd, now }: { readonly cwd: string; readonly now: number },
): Promise<PlannedState> {
  const states = await control.read();
  if (states.has(reference)) return knownRun(states, reference);
  const text = await planFile(resolve(cwd, reference));
  if (text === undefined) return knownRun(states, reference);
  const plan = parsePlan(text);
  const known = states.get(plan.run)?.plan;
  if (known !== undefined && backfillPlanDigest(known) !== backfillPlanDigest(plan)) {
    throw new FirstFiveError('CONFIG_INVALID', `run ${plan.run} is known on this log with another plan`);
  }
  if (known === undefined) await control.write(plan.run, 'plan', planText(plan), now);
  return knownRun(await control.read(), plan.run);
}

async function planFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
    throw new FirstFiveError('USAGE', `cannot read ${path}: ${String(thrown)}`, { cause: thrown });
  }
}
