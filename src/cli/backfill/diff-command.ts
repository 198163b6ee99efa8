/** `backfill diff`: what would change if the run were published. */

import { FirstFiveError } from '../../core/errors.ts';
import { diffScores, type ScoreDiff } from '../../core/score-diff.ts';
import { ControlTopic } from '../../runtime/backfill/control-topic.ts';
import type { CliContext } from '../context.ts';
import { parseCount } from '../moments.ts';
import { openSerdes, withLog } from '../openers.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { harmless } from '../output/text-width.ts';
import { configurationOf } from '../run-flags.ts';
import { readLiveScores } from './live-scores.ts';
import { knownRun } from './run-reference.ts';

export interface DiffFlags extends Readonly<Record<string, unknown>> {
  readonly movers: string;
  readonly json?: boolean;
}

/** Holds the newest score of each upload of both sides in memory: some hundred bytes each. */
export async function diffBackfill(context: CliContext, run: string, flags: DiffFlags): Promise<void> {
  const movers = parseCount('--movers', flags.movers);
  const { options } = await configurationOf(context, flags);
  await withLog(options.log, { context }, async (log) => {
    const { plan } = knownRun(await new ControlTopic(log, options.topicPrefix).read(), run);
    const [ours, live] = [plan.outputs.score, plan.liveOutputs.score];
    if (ours === undefined || live === undefined) {
      throw new FirstFiveError('USAGE', `run ${run} makes no scores, so there is nothing to compare`);
    }
    const serdes = await openSerdes(options.registry, context.env);
    const diff = diffScores(
      await readLiveScores(log, ours, serdes),
      await readLiveScores(log, live, serdes),
      movers,
    );
    if (flags.json) return writeJson(context.stdout, { run, live, ...diff });
    return writeLine(context.stdout, diffLines(run, diff).join('\n'));
  });
}

function diffLines(run: string, diff: ScoreDiff): readonly string[] {
  const { absoluteChange: change, rankCorrelation } = diff;
  const lines = [
    `run ${run}: ${diff.uploads} uploads`,
    `  same ${diff.same}, different ${diff.different}, not live ${diff.missing}, live is newer ${diff.superseded}, run is newer ${diff.ahead}`,
  ];
  if (change !== null) {
    const { mean, p50, p90, p99, max } = change;
    const text = Object.entries({ mean, p50, p90, p99, max }).map(
      ([name, value]) => `${name} ${value.toFixed(4)}`,
    );
    lines.push(`  |change of ecr|  ${text.join('  ')}`);
  }
  lines.push(
    `  rank correlation ${rankCorrelation === null ? 'has no meaning here' : rankCorrelation.toFixed(4)}`,
  );
  for (const { uploadId, live, run: ours, change: by } of diff.movers) {
    lines.push(
      `  ${by > 0 ? '+' : ''}${by.toFixed(4)}  ${live.toFixed(4)} -> ${ours.toFixed(4)}  ${harmless(uploadId)}`,
    );
  }
  return lines;
}
