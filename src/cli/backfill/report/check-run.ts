/** `backfill status RUN --check REFERENCE`: a finished run against the receipt of another one. */
import { resolve } from 'node:path';
import { type BackfillPlan, backfillPlanDigest } from '../../../core/backfill-plan.ts';
import { FirstFiveError } from '../../../core/errors.ts';
import type { Receipt, ReceiptStage } from '../../../core/receipt.ts';
import {
  checkReceipt,
  openStages,
  type ReceiptCheck,
  type RowComparison,
} from '../../../core/receipt-check.ts';
import type { ControlStates } from '../../../runtime/backfill/control-topic.ts';
import { knownRun, type PlannedState } from '../run-reference.ts';
import { compareRows } from './compare-rows.ts';
import { readReceipt } from './receipt-file.ts';
import type { RowSource } from './run-rows.ts';

/** `reference`: a run of this log, or a receipt's file. */
export async function checkRun(
  source: RowSource,
  states: ControlStates,
  { run, reference, cwd }: { readonly run: string; readonly reference: string; readonly cwd: string },
): Promise<ReceiptCheck> {
  const state = knownRun(states, run);
  const ours = requireReceipt(state);
  const theirs = states.get(reference)?.receipt ?? (await readReceipt(resolve(cwd, reference)));
  const rows = new Map<ReceiptStage, RowComparison>();
  const other = sameRun(states.get(theirs.run)?.plan, theirs);
  for (const stage of openStages(theirs, ours)) {
    const compared =
      other === undefined
        ? undefined
        : await compareRows(source, stage, { reference: other, run: state.plan });
    if (compared !== undefined) rows.set(stage, compared);
  }
  return checkReceipt(theirs, ours, rows);
}

/** A receipt from another log may bear the name of a run of this one. */
function sameRun(plan: BackfillPlan | undefined, { plan: digest }: Receipt): BackfillPlan | undefined {
  return plan !== undefined && backfillPlanDigest(plan) === digest ? plan : undefined;
}

export function requireReceipt({ run, receipt }: PlannedState): Receipt {
  if (receipt !== undefined) return receipt;
  throw new FirstFiveError(
    'USAGE',
    `run ${run} is not finished: go on with \`firstfive backfill run ${run}\``,
  );
}

export function checkLines(check: ReceiptCheck): readonly string[] {
  const lines = check.stages.map(({ stage, verdict, rows }) => {
    const detail =
      rows === undefined
        ? ''
        : ` (${rows.compared} rows compared, ${rows.differing} differ, ${rows.onlyReference} only in the reference, ` +
          `${rows.onlyRun} only here, largest difference ${rows.most.toPrecision(3)}${rows.examples.length === 0 ? '' : `: ${rows.examples.join(', ')}`})`;
    return `  ${stage.padEnd(8)} ${verdict}${detail}`;
  });
  for (const [what, names] of Object.entries({
    input: check.input,
    'made by': check.made,
    counts: check.counts,
  })) {
    if (names.length > 0) lines.push(`  ${what.padEnd(8)} differs in ${names.join(', ')}`);
  }
  const verdict = check.firstDiverged === null ? 'differs' : `parts at the stage ${check.firstDiverged}`;
  return [check.ok ? `same, to ${check.tolerance}` : verdict, ...lines];
}
