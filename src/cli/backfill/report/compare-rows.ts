/** The rows of two runs, one by one: what settles a stage whose checksums differ. */
import type { BackfillPlan } from '../../../core/backfill-plan.ts';
import type { ReceiptStage } from '../../../core/receipt.ts';
import type { RowComparison } from '../../../core/receipt-check.ts';
import {
  embedRow,
  extractRow,
  type ReceiptRow,
  rowDifference,
  scoreRow,
} from '../../../core/receipt-rows.ts';
import { wholeTopic } from '../../../runtime/backfill/read-range.ts';
import { featuresOf, type RowSource, scoresOf } from './run-rows.ts';

const EXAMPLES = 5;

/**
 * `undefined` when one of the runs has no rows left on this log. Partition by partition (an upload lies in the same one in
 * both), so that memory holds the reference's rows of one partition at a time.
 */
export async function compareRows(
  source: RowSource,
  stage: ReceiptStage,
  { reference, run }: { readonly reference: BackfillPlan; readonly run: BackfillPlan },
): Promise<RowComparison | undefined> {
  const step = stage === 'score' ? 'score' : 'embed';
  const [theirs, ours] = [reference.outputs[step], run.outputs[step]];
  if (theirs === undefined || ours === undefined) return undefined;
  const [a, b] = [await wholeTopic(source.log, theirs), await wholeTopic(source.log, ours)];
  if (a.length !== b.length || [...a, ...b].every(({ start, end }) => end === start)) return undefined;
  const found = new Comparison();
  for (const { partition } of a) {
    for await (const row of rowsOf(source, stage, reference, partition)) found.expect(row);
    for await (const row of rowsOf(source, stage, run, partition)) found.meet(row);
    found.endOfPartition();
  }
  return found.result;
}

async function* rowsOf(
  source: RowSource,
  stage: ReceiptStage,
  plan: BackfillPlan,
  partition: number,
): AsyncGenerator<ReceiptRow> {
  if (stage === 'score') {
    for await (const score of scoresOf(source, plan, partition)) yield scoreRow(score);
    return;
  }
  const toRow = stage === 'extract' ? extractRow : embedRow;
  for await (const features of featuresOf(source, plan, partition)) yield toRow(features);
}

class Comparison {
  /** Rows of a key in the order of their emission: a key comes again when an upload was submitted again. */
  #expected = new Map<string, ReceiptRow[]>();
  #counts = { compared: 0, differing: 0, onlyReference: 0, onlyRun: 0, most: 0 };
  readonly #examples: string[] = [];

  expect(row: ReceiptRow): void {
    const rows = this.#expected.get(row.key) ?? [];
    rows.push(row);
    this.#expected.set(row.key, rows);
  }

  meet(row: ReceiptRow): void {
    const expected = this.#expected.get(row.key)?.shift();
    if (expected === undefined) {
      this.#counts.onlyRun += 1;
      this.#note(row.key);
      return;
    }
    this.#counts.compared += 1;
    const { most, differs } = rowDifference(expected, row);
    this.#counts.most = Math.max(this.#counts.most, most);
    if (!differs) return;
    this.#counts.differing += 1;
    this.#note(row.key);
  }

  endOfPartition(): void {
    for (const [key, rows] of this.#expected) {
      this.#counts.onlyReference += rows.length;
      if (rows.length > 0) this.#note(key);
    }
    this.#expected = new Map();
  }

  get result(): RowComparison {
    return { ...this.#counts, examples: this.#examples };
  }

  #note(key: string): void {
    if (this.#examples.length < EXAMPLES) this.#examples.push(key);
  }
}
