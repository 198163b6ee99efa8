/** The newest score of each upload of a topic: highest (revision, tier), and of equals the last. */
import type { Serdes } from '../../adapters/schemas/index.ts';
import type { ColdStartScore } from '../../core/score.ts';
import { readRange, wholeTopic } from '../../runtime/backfill/read-range.ts';
import { compareOrder } from '../../runtime/latest-table.ts';
import type { Log } from '../../runtime/log.ts';

export type LiveScore = Pick<ColdStartScore, 'revision' | 'tier' | 'ecr' | 'bundle'>;

/** Keeps four numbers for each upload: some hundred bytes of memory each. An absent topic holds none. */
export async function readLiveScores(
  log: Log,
  topic: string,
  serdes: Pick<Serdes, 'coldStartScore'>,
): Promise<ReadonlyMap<string, LiveScore>> {
  const newest = new Map<string, LiveScore>();
  const decoder = new TextDecoder();
  for await (const { key, value } of readRange(log, topic, await wholeTopic(log, topic))) {
    if (key === null) continue;
    const id = decoder.decode(key);
    if (value === null) {
      newest.delete(id);
      continue;
    }
    await serdes.coldStartScore.prepare(value);
    const { revision, tier, ecr, bundle } = serdes.coldStartScore.deserialize(value);
    const known = newest.get(id);
    if (known === undefined || compareOrder({ revision, tier }, known) >= 0)
      newest.set(id, { revision, tier, ecr, bundle });
  }
  return newest;
}
