/**
 * What a backfill has done, counted so that nothing is counted twice: the counters are committed in the transaction of the
 * offsets that they describe, and a process that starts again goes on from the last ones.
 *
 * C1. Every record of the range up to the committed offsets is in exactly one of: filtered, tombstones, scored, rejected,
 *     superseded.
 */
import { z } from 'zod';

const count = z.number().int().min(0);

const countsSchema = z.strictObject({
  /** Outside the plan's selection. */
  filtered: count,
  tombstones: count,
  scored: count,
  /** By error code; each has a dead letter and a base-rate row. */
  rejected: z.record(z.string(), count),
  /** A newer revision of the same upload came before it. */
  superseded: count,
});

export const progressSchema = z.strictObject({
  counts: countsSchema,
  bytes: count,
  /** Milliseconds with records in work, over all processes of this slot. */
  activeMs: z.number().min(0),
  at: z.number(),
});

export type BackfillCounts = Readonly<z.infer<typeof countsSchema>>;
export type BackfillProgress = Readonly<z.infer<typeof progressSchema>>;

export const NO_COUNTS: BackfillCounts = {
  filtered: 0,
  tombstones: 0,
  scored: 0,
  rejected: {},
  superseded: 0,
};

export function addCounts(a: BackfillCounts, b: BackfillCounts): BackfillCounts {
  const rejected: Record<string, number> = { ...a.rejected };
  for (const [code, n] of Object.entries(b.rejected)) rejected[code] = (rejected[code] ?? 0) + n;
  return {
    filtered: a.filtered + b.filtered,
    tombstones: a.tombstones + b.tombstones,
    scored: a.scored + b.scored,
    rejected,
    superseded: a.superseded + b.superseded,
  };
}

export function rejectedTotal(counts: BackfillCounts): number {
  return Object.values(counts.rejected).reduce((sum, n) => sum + n, 0);
}

/** Records of the selection that are finished: what `plan.counted.selected` counts. */
export function finishedRecords(counts: BackfillCounts): number {
  return counts.tombstones + counts.scored + counts.superseded + rejectedTotal(counts);
}
