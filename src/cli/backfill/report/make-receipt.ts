/**
 * The receipt of a run that has nothing left, made from what lies in its topics and from the counters that were committed
 * with it: of what the process remembers nothing enters, so that a run of many processes and crashes has the same receipt.
 */
import { backfillPlanDigest } from '../../../core/backfill-plan.ts';
import { finishedRecords } from '../../../core/backfill-progress.ts';
import { countsOf, type RunIdentity } from '../../../core/backfill-state.ts';
import { FirstFiveError } from '../../../core/errors.ts';
import { type Checksum, MultisetChecksum, RECEIPT_TOLERANCE, type Receipt } from '../../../core/receipt.ts';
import { embedRow, extractRow, roundedRow, scoreRow } from '../../../core/receipt-rows.ts';
import type { PlannedState } from '../run-reference.ts';
import { featuresOf, type RowSource, scoresOf } from './run-rows.ts';

/** `INTERNAL` when counters and rows do not agree: then something was lost or doubled, and no receipt may say otherwise. */
export async function makeReceipt(
  source: RowSource,
  state: PlannedState,
  identity: RunIdentity,
  now: number,
): Promise<Receipt> {
  const { plan } = state;
  const counts = countsOf(state);
  const rows = await readRows(source, state);
  if (plan.outputs.score !== undefined && rows.scored !== counts.scored) {
    throw new FirstFiveError(
      'INTERNAL',
      `run ${plan.run} counted ${counts.scored} scores, and its topic holds ${rows.scored}`,
    );
  }
  const activeMs = [...state.progress.values()].reduce((sum, progress) => sum + progress.activeMs, 0);
  const { startedAt: _startedAt, decoderBuild: _decoderBuild, ...made } = identity;
  return {
    schemaVersion: 1,
    run: plan.run,
    plan: backfillPlanDigest(plan),
    finishedAt: now,
    input: {
      topic: plan.input,
      partitions: plan.partitions.map(({ partition, start, end }) => ({
        partition,
        start: String(start),
        end: String(end),
      })),
      filter: { ...plan.filter },
    },
    made: {
      ...made,
      decoderBuilds: [...rows.decoderBuilds].sort(),
      executionProviders: [...rows.providers].sort(),
    },
    counts,
    activeMs,
    recordsPerSecond: activeMs === 0 ? null : (finishedRecords(counts) * 1_000) / activeMs,
    outputs: { ...plan.outputs },
    tolerance: RECEIPT_TOLERANCE,
    checksums: rows.checksums,
  };
}

interface ReadRows {
  readonly scored: number;
  readonly decoderBuilds: ReadonlySet<string>;
  readonly providers: ReadonlySet<string>;
  readonly checksums: Partial<Record<'extract' | 'embed' | 'score', Checksum>>;
}

async function readRows(source: RowSource, { plan }: PlannedState): Promise<ReadRows> {
  const sums = {
    extract: new MultisetChecksum(),
    embed: new MultisetChecksum(),
    score: new MultisetChecksum(),
  };
  const decoderBuilds = new Set<string>();
  const providers = new Set<string>();
  for await (const features of featuresOf(source, plan)) {
    decoderBuilds.add(features.producer.decoderBuild);
    providers.add(features.producer.executionProvider);
    sums.extract.add(roundedRow(extractRow(features)));
    sums.embed.add(roundedRow(embedRow(features)));
  }
  let scored = 0;
  for await (const score of scoresOf(source, plan)) {
    if (score.tier > 0) {
      scored += 1;
      providers.add(score.executionProvider);
    }
    sums.score.add(roundedRow(scoreRow(score)));
  }
  const { extract, embed, score } = sums;
  return {
    scored,
    decoderBuilds,
    providers,
    checksums: {
      ...(plan.outputs.embed === undefined ? {} : { extract: extract.value, embed: embed.value }),
      ...(plan.outputs.score === undefined ? {} : { score: score.value }),
    },
  };
}
