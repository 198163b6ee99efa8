/** A plan for people. */
import type { BackfillPlan } from '../../../core/backfill-plan.ts';

export interface PlanOrigin {
  /** Of a plan that is in a file only. */
  readonly file: string | undefined;
  /** As it was given to `plan`, and has to be given to `run`. */
  readonly topology: string | undefined;
}

export function planLines(plan: BackfillPlan, { file, topology }: PlanOrigin): readonly string[] {
  const { counted, estimate, partitions } = plan;
  const busy = partitions.filter(({ start, end }) => end > start).length;
  const filtered = counted.selected === counted.records ? '' : `, ${counted.selected} of them selected`;
  const lines = [
    `run ${plan.run}`,
    `  reads   ${plan.input}: ${counted.records} records, ${mebibytes(counted.bytes)}, ${busy} of ${partitions.length} partitions${filtered}`,
    `  writes  ${Object.values(plan.outputs).join(', ')}`,
    `  failed  ${plan.deadLetters}`,
    `  takes   ${estimateText(plan)} (${estimate.basis}: ${estimate.detail})`,
  ];
  const flag = topology === undefined ? '' : ` --topology ${topology}`;
  return [...lines, `start it with: firstfive backfill run ${file ?? plan.run}${flag}`];
}

function estimateText({ estimate }: BackfillPlan): string {
  const { seconds, recordsPerSecond, workSeconds } = estimate;
  if (seconds === null || recordsPerSecond === null) return 'unknown';
  const work = workSeconds === null ? '' : `, ${durationText(workSeconds)} of work`;
  return `about ${durationText(seconds)} at ${recordsPerSecond.toFixed(1)} records/s${work}`;
}

export function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
