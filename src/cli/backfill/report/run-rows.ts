/** The rows of a run, read back from the topics that it wrote. */
import type { Serdes } from '../../../adapters/schemas/index.ts';
import type { BackfillPlan } from '../../../core/backfill-plan.ts';
import type { UploadFeatures } from '../../../core/features.ts';
import type { ColdStartScore } from '../../../core/score.ts';
import { type OffsetRange, readRange, wholeTopic } from '../../../runtime/backfill/read-range.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Serde } from '../../../runtime/serde.ts';

export interface RowSource {
  readonly log: Log;
  readonly serdes: Serdes;
}

/** Only of one partition, where it is given. */
export function scoresOf(
  source: RowSource,
  plan: BackfillPlan,
  partition?: number,
): AsyncGenerator<ColdStartScore> {
  return rowsOf(source, plan.outputs.score, source.serdes.coldStartScore, partition);
}

export function featuresOf(
  source: RowSource,
  plan: BackfillPlan,
  partition?: number,
): AsyncGenerator<UploadFeatures> {
  return rowsOf(source, plan.outputs.embed, source.serdes.uploadEmbedded, partition);
}

async function* rowsOf<T>(
  { log }: RowSource,
  topic: string | undefined,
  serde: Serde<T>,
  partition: number | undefined,
): AsyncGenerator<T> {
  if (topic === undefined) return;
  const ranges: readonly OffsetRange[] = (await wholeTopic(log, topic)).filter(
    (range) => partition === undefined || range.partition === partition,
  );
  for await (const { value } of readRange(log, topic, ranges)) {
    if (value === null) continue;
    await serde.prepare(value);
    yield serde.deserialize(value);
  }
}
