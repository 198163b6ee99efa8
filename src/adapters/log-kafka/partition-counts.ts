/**
 * A changed partition count moves keys between partitions: order and the table of latest scores would be wrong from then
 * on, without any sign. The counts are compared with those at the start, once a minute.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { TopicCatalog } from './topic-catalog.ts';

const INTERVAL_MS = 60_000;

/** Calls back once with `TOPIC_MISMATCH`. The function returned ends it. */
export function watchPartitionCounts(
  catalog: TopicCatalog,
  topics: readonly string[],
  onMismatch: (error: FirstFiveError) => void,
): () => void {
  const first = new Map<string, number>();
  const compare = async () => {
    const counts = await catalog.refresh();
    for (const topic of topics) {
      const count = counts.get(topic);
      const before = first.get(topic) ?? count;
      if (before !== undefined) first.set(topic, before);
      if (count === undefined || count === before) continue;
      clearInterval(timer);
      onMismatch(
        new FirstFiveError(
          'TOPIC_MISMATCH',
          `topic ${topic} has ${count} partitions now and had ${before}: keys have moved between partitions. ` +
            'Let every consumer finish, then start again with the new count in the topology',
        ),
      );
    }
  };
  // An outage is not a change; it is reported elsewhere.
  const tick = () => void compare().catch(() => {});
  const timer = setInterval(tick, INTERVAL_MS);
  timer.unref();
  tick();
  return () => clearInterval(timer);
}
