/**
 * One receipt checked against another: what went in, what made the rows, what came out, stage by stage.
 *
 * K1. Equal checksums settle a stage. Different ones settle nothing by themselves (`receipt.ts` R2): the rows decide, where
 *     both runs still have theirs; else the verdict is `unknown`.
 */
import { canonicalJson } from './digest.ts';
import { type Checksum, RECEIPT_STAGES, type Receipt, type ReceiptStage } from './receipt.ts';

export type StageVerdict = 'same' | 'within tolerance' | 'diverged' | 'unknown' | 'absent';

/** What comparing the rows of a stage one by one gave. */
export interface RowComparison {
  readonly compared: number;
  /** Rows that differ by more than the tolerance, or in what must be exact. */
  readonly differing: number;
  readonly onlyReference: number;
  readonly onlyRun: number;
  /** Largest difference of a number, among all rows that were compared. */
  readonly most: number;
  readonly examples: readonly string[];
}

export interface StageCheck {
  readonly stage: ReceiptStage;
  readonly verdict: StageVerdict;
  readonly rows?: RowComparison;
}

export interface ReceiptCheck {
  /** Parts of the input that differ: then nothing else needs to agree. */
  readonly input: readonly string[];
  /** Parts of what made the rows that differ, by name: a reason, no verdict. */
  readonly made: readonly string[];
  /** Counters that differ. */
  readonly counts: readonly string[];
  readonly stages: readonly StageCheck[];
  /** The first stage whose rows differ, or may: where the runs part. */
  readonly firstDiverged: ReceiptStage | null;
  readonly tolerance: number;
  readonly ok: boolean;
}

/** `rows` by stage, for those whose checksums differ and whose rows could be read. */
export function checkReceipt(
  reference: Receipt,
  run: Receipt,
  rows: ReadonlyMap<ReceiptStage, RowComparison>,
): ReceiptCheck {
  const stages = RECEIPT_STAGES.map((stage) =>
    checkStage(stage, [reference.checksums[stage], run.checksums[stage]], rows.get(stage)),
  );
  const input = differing(reference.input, run.input);
  const counts = differing(reference.counts, run.counts);
  const first = stages.find(({ verdict }) => verdict === 'diverged' || verdict === 'unknown');
  return {
    input,
    made: differing(reference.made, run.made),
    counts,
    stages,
    firstDiverged: first?.stage ?? null,
    tolerance: run.tolerance,
    ok: input.length === 0 && counts.length === 0 && first === undefined,
  };
}

/** Stages whose checksums differ: their rows must be compared. */
export function openStages(reference: Receipt, run: Receipt): readonly ReceiptStage[] {
  return RECEIPT_STAGES.filter((stage) => {
    const [a, b] = [reference.checksums[stage], run.checksums[stage]];
    return a !== undefined && b !== undefined && canonicalJson(a) !== canonicalJson(b);
  });
}

function checkStage(
  stage: ReceiptStage,
  [a, b]: readonly [Checksum | undefined, Checksum | undefined],
  rows: RowComparison | undefined,
): StageCheck {
  if (a === undefined || b === undefined) return { stage, verdict: 'absent' };
  if (canonicalJson(a) === canonicalJson(b)) return { stage, verdict: 'same' };
  if (rows === undefined) return { stage, verdict: a.rows === b.rows ? 'unknown' : 'diverged' };
  const isSame = rows.differing + rows.onlyReference + rows.onlyRun === 0;
  return { stage, verdict: isSame ? 'within tolerance' : 'diverged', rows };
}

/** Names of the members that differ. */
function differing(a: object, b: object): readonly string[] {
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].filter(
    (name) => canonicalJson(left[name] ?? null) !== canonicalJson(right[name] ?? null),
  );
}
