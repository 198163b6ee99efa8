/** The monotone map from a standardised score to its percentile, as knots of a piecewise-linear line. */
import { z } from 'zod';

export const rankTableSchema = z
  .object({ z: z.array(z.number()).min(2), rank: z.array(z.number().min(0).max(1)).min(2) })
  .refine((t) => t.z.length === t.rank.length, 'z and rank differ in length')
  .refine((t) => rises(t.z) && rises(t.rank), 'knots must rise');

export type RankTable = z.infer<typeof rankTableSchema>;

/** Piecewise-linear between the knots, clamped outside them. */
export function rankOf(score: number, table: RankTable): number {
  const last = table.z.length - 1;
  if (score <= (table.z[0] ?? 0)) return table.rank[0] ?? 0;
  if (score >= (table.z[last] ?? 0)) return table.rank[last] ?? 1;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((table.z[middle] ?? 0) <= score) low = middle;
    else high = middle;
  }
  const [z0, z1] = [table.z[low] ?? 0, table.z[high] ?? 0];
  const [r0, r1] = [table.rank[low] ?? 0, table.rank[high] ?? 0];
  return r0 + ((r1 - r0) * (score - z0)) / (z1 - z0);
}

function rises(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > (values[i - 1] ?? Number.POSITIVE_INFINITY));
}
