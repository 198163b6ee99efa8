/** Topics as Kafka configures them, and where an existing topic differs from what a topology asks for. */
import { DEFAULT_MAX_RECORD_BYTES, type TopicSpec } from '../../runtime/log.ts';

export interface TopicDrift {
  readonly topic: string;
  readonly property: 'partitions' | 'cleanup' | 'retentionMs' | 'maxRecordBytes';
  readonly wanted: string;
  readonly found: string;
}

export const CONFIG_NAMES = [
  'cleanup.policy',
  'retention.ms',
  'delete.retention.ms',
  'max.message.bytes',
] as const;

/** The broker counts the batch that a record comes in; what that adds to a record alone in its batch, with room. */
const BATCH_OVERHEAD_BYTES = 4_096;

export function topicConfigEntries(spec: TopicSpec): { name: string; value: string }[] {
  const compact = spec.cleanup === 'compact';
  const maxBytes = spec.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
  const entries = [
    { name: 'cleanup.policy', value: spec.cleanup },
    { name: 'max.message.bytes', value: String(maxBytes + BATCH_OVERHEAD_BYTES) },
  ];
  if (!compact) entries.push({ name: 'retention.ms', value: String(spec.retentionMs ?? -1) });
  else if (spec.retentionMs !== null) {
    entries.push({ name: 'delete.retention.ms', value: String(spec.retentionMs) });
  }
  return entries;
}

/** What the broker's configuration says, in the words of a `TopicSpec`. */
export function specOf(name: string, partitions: number, config: ReadonlyMap<string, string>): TopicSpec {
  const cleanup = (config.get('cleanup.policy') ?? 'delete').includes('compact') ? 'compact' : 'delete';
  const text = config.get(cleanup === 'compact' ? 'delete.retention.ms' : 'retention.ms');
  const retention = text === undefined ? -1 : Number(text);
  const maxBytes = Number(config.get('max.message.bytes') ?? Number.NaN) - BATCH_OVERHEAD_BYTES;
  return {
    ...{ name, partitions, cleanup, retentionMs: retention < 0 ? null : retention },
    ...(maxBytes > 0 ? { maxRecordBytes: maxBytes } : {}),
  };
}

/** A compacted topic without a wanted retention keeps tombstones as long as the broker says: no drift. */
export function topicDrift(wanted: TopicSpec, found: TopicSpec): readonly TopicDrift[] {
  const drift: TopicDrift[] = [];
  if (wanted.partitions !== found.partitions) {
    const counts = { wanted: String(wanted.partitions), found: String(found.partitions) };
    drift.push({ topic: wanted.name, property: 'partitions', ...counts });
  }
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
  const { maxRecordBytes } = found;
  if (wanted.maxRecordBytes !== undefined && (maxRecordBytes ?? Infinity) < wanted.maxRecordBytes) {
    drift.push({
      topic: wanted.name,
      property: 'maxRecordBytes',
      wanted: String(wanted.maxRecordBytes),
      found: String(maxRecordBytes),
    });
  }
  return drift;
}
