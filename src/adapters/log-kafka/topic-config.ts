/** Topics as Kafka configures them, and where an existing topic differs from what a topology asks for. */
import type { TopicDescription, TopicSpec } from '../../runtime/log.ts';

export interface TopicDrift {
  readonly topic: string;
  readonly property: 'cleanup' | 'retentionMs';
  readonly wanted: string;
  readonly found: string;
}

export const CONFIG_NAMES = ['cleanup.policy', 'retention.ms', 'delete.retention.ms'] as const;

/** Room above any input for what a dead letter adds in headers. */
const MAX_RECORD_BYTES = 8 * 1024 * 1024;
const MAX_DEAD_LETTER_BYTES = MAX_RECORD_BYTES + 256 * 1024;

export function topicConfigEntries(spec: TopicSpec): { name: string; value: string }[] {
  const compact = spec.cleanup === 'compact';
  const maxBytes = /\bdead-letter\b/.test(spec.name) ? MAX_DEAD_LETTER_BYTES : MAX_RECORD_BYTES;
  const entries = [
    { name: 'cleanup.policy', value: spec.cleanup },
    { name: 'max.message.bytes', value: String(maxBytes) },
  ];
  if (!compact) entries.push({ name: 'retention.ms', value: String(spec.retentionMs ?? -1) });
  else if (spec.retentionMs !== null) {
    entries.push({ name: 'delete.retention.ms', value: String(spec.retentionMs) });
  }
  return entries;
}

/** What the broker's configuration says, in the words of a `TopicSpec`. */
export function specOf(
  name: string,
  partitions: number,
  config: ReadonlyMap<string, string>,
): Omit<TopicSpec, never> {
  const cleanup = (config.get('cleanup.policy') ?? 'delete').includes('compact') ? 'compact' : 'delete';
  const text = config.get(cleanup === 'compact' ? 'delete.retention.ms' : 'retention.ms');
  const retention = text === undefined ? -1 : Number(text);
  return { name, partitions, cleanup, retentionMs: retention < 0 ? null : retention };
}

/** A compacted topic without a wanted retention keeps tombstones as long as the broker says: no drift. */
export function topicDrift(wanted: TopicSpec, found: TopicDescription): readonly TopicDrift[] {
  const drift: TopicDrift[] = [];
  if (wanted.cleanup !== found.cleanup) {
    drift.push({ topic: wanted.name, property: 'cleanup', wanted: wanted.cleanup, found: found.cleanup });
  }
  const isDefault = wanted.cleanup === 'compact' && wanted.retentionMs === null;
  if (wanted.retentionMs !== found.retentionMs && !isDefault) {
    drift.push({
      topic: wanted.name,
      property: 'retentionMs',
      wanted: String(wanted.retentionMs),
      found: String(found.retentionMs),
    });
  }
  return drift;
}
