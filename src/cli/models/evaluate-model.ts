/**
 * `models eval`: metrics of `ecr` on labelled uploads.
 *
 * E1. Rows whose media is rejected are left out and counted on stderr: they have no score to judge.
 * E2. A metric without meaning on these rows (one label only) is null, never a number.
 */
import { resolve } from 'node:path';
import { FirstFiveError, toFirstFiveError } from '../../core/errors.ts';
import { type Evaluation, type EvaluationRow, evaluate } from '../../stages/score/evaluate.ts';
import { openBundle } from '../compose/parts.ts';
import type { CliContext } from '../context.ts';
import { openProgress } from '../output/progress-line.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { configurationOf } from '../run-flags.ts';
import { readLabelledRows } from './labelled-rows.ts';
import { openRowScorer, type RowScorer } from './row-scorer.ts';

export interface EvalFlags extends Readonly<Record<string, unknown>> {
  /** CSV file; not the data folder, which this command takes from the environment or a file. */
  readonly data: string;
  readonly labelColumn: string;
  readonly json?: boolean;
}

interface Scored {
  readonly rows: readonly EvaluationRow[];
  readonly rejected: ReadonlyMap<string, number>;
}

export async function evaluateModel(context: CliContext, name: string, flags: EvalFlags): Promise<void> {
  const configuration = await configurationOf(context, flags, ['data']);
  const bundle = await openBundle(configuration.options, name);
  const scorer = await openRowScorer({ ...configuration, bundle, context });
  try {
    const { rows, rejected } = await scoreRows(context, scorer, flags, 2 * configuration.topology.decoders);
    for (const [code, count] of rejected)
      context.stderr.write(`left out: ${count} rows rejected with ${code}\n`);
    if (rows.length === 0) throw new FirstFiveError('USAGE', `${flags.data} has no row that can be scored`);
    const result = evaluate(rows);
    if (flags.json) await writeJson(context.stdout, meaningful(result));
    else for (const line of evaluationText(bundle.label, result)) await writeLine(context.stdout, line);
  } finally {
    await scorer.close();
  }
}

/** Up to `concurrency` rows at once; metrics do not depend on the order. */
async function scoreRows(
  context: CliContext,
  scorer: RowScorer,
  flags: EvalFlags,
  concurrency: number,
): Promise<Scored> {
  const rows: EvaluationRow[] = [];
  const rejected = new Map<string, number>();
  const progress = openProgress({ stream: context.stderr, label: 'evaluating', noun: 'rows', enabled: true });
  const source = readLabelledRows(resolve(context.cwd, flags.data), flags.labelColumn);
  const work = async () => {
    for await (const row of source) {
      try {
        const { ecr, alpha, beta, lower, upper } = await scorer.score(row);
        const prior = { ecr, alpha, beta, lower, upper };
        rows.push({
          label: row.label,
          prior,
          ...(row.outcome === undefined ? {} : { outcome: row.outcome }),
        });
      } catch (thrown) {
        const error = toFirstFiveError(thrown);
        if (error.kind !== 'terminal' && error.kind !== 'retryable') throw error;
        rejected.set(error.code, (rejected.get(error.code) ?? 0) + 1);
      }
      const failed = [...rejected.values()].reduce((sum, count) => sum + count, 0);
      progress.update({ done: rows.length, failed, inWork: concurrency, total: undefined });
    }
  };
  try {
    // A generator may be drawn on from several places: each row goes to one of them.
    await Promise.all(Array.from({ length: concurrency }, work));
  } finally {
    progress.close();
  }
  return { rows, rejected };
}

/** NaN as null (E2). */
function meaningful(value: unknown): object {
  return JSON.parse(JSON.stringify(value)) as object;
}

function evaluationText(bundle: string, result: Evaluation): readonly string[] {
  const { n, ci, ...metrics } = result;
  const intervals = new Map(Object.entries(ci));
  return [
    `${bundle} on ${n} rows`,
    ...Object.entries(metrics).map(([metric, value]) => {
      const interval = intervals.get(metric);
      const range =
        interval === undefined ? '' : `  95 % interval ${interval.map((end) => end.toFixed(3)).join(' to ')}`;
      return `${metric.padEnd(10)}  ${Number.isNaN(value) ? 'no meaning here' : value.toFixed(4)}${range}`;
    }),
  ];
}
