/** How a run stands, from the control topic and the offsets of the group that publishes it. */
import { type BackfillCounts, finishedRecords, rejectedTotal } from '../../core/backfill-progress.ts';
import { countsOf, phaseOf, type RunPhase, type RunProcess } from '../../core/backfill-state.ts';
import type { Receipt } from '../../core/receipt.ts';
import { publishRanges } from '../../runtime/backfill/publish-rows.ts';
import { remainingRanges } from '../../runtime/backfill/range-group.ts';
import type { Log } from '../../runtime/log.ts';
import { durationText } from './plan/plan-text.ts';
import { receiptLines } from './report/receipt-text.ts';
import type { PlannedState } from './run-reference.ts';

export interface RunStatus {
  readonly run: string;
  readonly phase: RunPhase;
  readonly done: number;
  readonly total: number;
  readonly counts: BackfillCounts;
  /** Of all processes at work; null when none is, or none has measured yet. */
  readonly recordsPerSecond: number | null;
  readonly etaSeconds: number | null;
  readonly bundle: string | null;
  /** Every row was handed to the live group. */
  readonly isPublished: boolean;
  readonly processes: readonly (RunProcess & { readonly slot: string })[];
  readonly receipt: Receipt | null;
}

export async function runStatus(log: Log, state: PlannedState, now: number): Promise<RunStatus> {
  const { run, plan, identity, processes, receipt } = state;
  const counts = countsOf(state);
  const phase = phaseOf(state, now);
  const [done, total] = [finishedRecords(counts), plan.counted.selected];
  const rates = [...processes.values()].flatMap(({ recordsPerSecond }) => recordsPerSecond ?? []);
  const rate = phase === 'running' && rates.length > 0 ? rates.reduce((sum, one) => sum + one, 0) : null;
  return {
    run,
    phase,
    done,
    total,
    counts,
    recordsPerSecond: rate,
    etaSeconds: rate === null || rate === 0 ? null : Math.max(0, total - done) / rate,
    bundle: identity?.bundle ?? null,
    isPublished: phase === 'finished' && (await isPublished(log, state)),
    processes: [...processes].map(([slot, process]) => ({ slot, ...process })),
    receipt: receipt ?? null,
  };
}

async function isPublished(log: Log, { plan }: PlannedState): Promise<boolean> {
  if (plan.outputs.score === undefined) return false;
  const group = await publishRanges(log, plan);
  const committed = await log.admin.committedOffsets(group.groupId);
  return committed.length > 0 && (await remainingRanges(log, group)).length === 0;
}

export function statusLines(status: RunStatus): readonly string[] {
  const {
    run,
    phase,
    done,
    total,
    recordsPerSecond,
    etaSeconds,
    counts,
    receipt,
    isPublished: published,
  } = status;
  if (receipt !== null) return [...receiptLines(receipt), `  published ${published ? 'yes' : 'no'}`];
  const parts = [`run ${run}`, phase, `${done}/${total} records`];
  if (recordsPerSecond !== null) parts.push(`${recordsPerSecond.toFixed(1)}/s`);
  if (etaSeconds !== null) parts.push(`ETA ${durationText(etaSeconds)}`);
  const failed = rejectedTotal(counts);
  if (failed > 0) parts.push(`${failed} rejected`);
  return [parts.join('  ')];
}
