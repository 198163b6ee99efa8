/**
 * One emitted record as a row of a receipt: what must be the same to the bit, and what to the tolerance.
 *
 * Left out on purpose: clock and trace fields, the lane, and reasons (which contributions are named and which are folded can
 * change with the last bits; their sum is `ecr`, which is in).
 */
import { canonicalJson } from './digest.ts';
import type { UploadFeatures } from './features.ts';
import { agrees, rounded } from './receipt.ts';
import type { ColdStartScore } from './score.ts';

export interface ReceiptRow {
  /** `uploadId@revision`, and the tier of a score. */
  readonly key: string;
  readonly exact: string;
  readonly numbers: readonly (number | null)[];
}

/** What extraction gave: media identity, probe and signals. */
export function extractRow(features: UploadFeatures): ReceiptRow {
  const { mediaEtag, probe, missing, signals } = features;
  const names = Object.keys(signals).sort();
  const { plain, numbers } = split(probe);
  return {
    key: `${features.uploadId}@${features.revision}`,
    exact: canonicalJson({ mediaEtag, missing, plain, names }),
    numbers: [...numbers, ...names.map((name) => signals[name as keyof typeof signals] ?? null)],
  };
}

export function embedRow(features: UploadFeatures): ReceiptRow {
  const { embeddings } = features;
  return {
    key: `${features.uploadId}@${features.revision}`,
    exact: canonicalJson(embeddings.map(({ name, model, values }) => [name, model, values.length])),
    numbers: embeddings.flatMap(({ values }) => [...values]),
  };
}

export function scoreRow(score: ColdStartScore): ReceiptRow {
  const { uploadId, revision, tier, scoreId, calibrated, missing, rejection, bundle } = score;
  const { ecr, rank, alpha, beta, lower, upper } = score;
  return {
    key: `${uploadId}@${revision}/${tier}`,
    exact: canonicalJson({ scoreId, calibrated, missing, rejection, bundle }),
    numbers: [ecr, rank, alpha, beta, lower, upper],
  };
}

/** What a checksum takes of a row. */
export function roundedRow(row: ReceiptRow): unknown {
  return [row.key, row.exact, row.numbers.map((value) => rounded(value)).join()];
}

export interface RowDifference {
  /** By more than the tolerance, or in what must be exact. */
  readonly differs: boolean;
  /** Largest difference of a number; 0 where there is nothing to compare. */
  readonly most: number;
}

export function rowDifference(a: ReceiptRow, b: ReceiptRow): RowDifference {
  if (a.exact !== b.exact || a.numbers.length !== b.numbers.length) return { differs: true, most: 0 };
  let most = 0;
  let differs = false;
  a.numbers.forEach((value, i) => {
    const other = b.numbers[i] ?? null;
    if (value !== null && other !== null) most = Math.max(most, Math.abs(value - other));
    if (!agrees(value, other)) differs = true;
  });
  return { differs, most };
}

/** Numbers of a nested value in the order of their sorted keys, and the value with them blanked. */
function split(value: unknown): { readonly plain: unknown; readonly numbers: (number | null)[] } {
  const numbers: (number | null)[] = [];
  const plain: unknown = JSON.parse(canonicalJson(value), (_key, part: unknown) => {
    if (typeof part !== 'number') return part;
    numbers.push(part);
    return 0;
  });
  return { plain, numbers };
}
