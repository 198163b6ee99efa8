/** Samples of one quantity as a result line. */
import type { BenchResult } from '../report.ts';

export function summary(name: string, unit: string, values: readonly number[]): BenchResult {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    case: name,
    value: rounded(quantile(sorted, 0.5)),
    unit,
    samples: sorted.length,
    min: rounded(sorted[0]),
    max: rounded(sorted.at(-1)),
  };
}

/** Of sorted values; the nearest one below, so that it is a value that occurred. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

function rounded(value = Number.NaN): number {
  return Number(value.toPrecision(4));
}
