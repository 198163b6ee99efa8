/** What the parts of the log's contract share: the harness that an adapter brings, and small makers of records. */
import type { OutputRecord, StreamRecord } from '../../src/core/record.ts';
import type { GroupListener, GroupMember, GroupOptions, Log, TopicSpec } from '../../src/runtime/log.ts';

export interface LogHarness {
  readonly log: Log;
  /** The same log through a connection of its own, as another process would have it. */
  connect(): Promise<Log>;
  /** Another member takes the group over behind the back of the present one. */
  usurp(options: GroupOptions): Promise<GroupMember>;
  dispose(): Promise<void>;
}

export interface LogContext {
  readonly harness: LogHarness;
  readonly log: Log;
  topic(partitions?: number, spec?: Partial<TopicSpec>): Promise<string>;
}

export const POLL = { maxRecords: 1_000, maxBytes: 1_000_000, maxWaitMs: 5_000 };
export const NO_WAIT = { ...POLL, maxWaitMs: 0 };
export const QUIET: GroupListener = { onAssigned: async () => {}, onRevoked: async () => {} };

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | null): string | null =>
  value === null ? null : new TextDecoder().decode(value);

export function output(
  topic: string,
  key: string | null,
  value: string | null,
  more: Partial<OutputRecord> = {},
): OutputRecord {
  return {
    topic,
    timestamp: 1_000,
    key: key === null ? null : bytes(key),
    value: value === null ? null : bytes(value),
    headers: [],
    ...more,
  };
}

export function numbered(topic: string, count: number, more: Partial<OutputRecord> = {}): OutputRecord[] {
  return Array.from({ length: count }, (_, i) => output(topic, `key-${i}`, String(i), more));
}

/** Polls until `count` records have come, or fails after the poll's own wait. */
export async function take(source: Pick<GroupMember, 'poll'>, count: number): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  while (records.length < count) {
    const more = await source.poll({ ...POLL, maxRecords: count - records.length });
    if (more.length === 0) throw new Error(`${records.length} of ${count} records came`);
    records.push(...more);
  }
  return records;
}

export async function readAll(log: Log, topic: string): Promise<StreamRecord[]> {
  const reader = await log.openReader([topic], { at: 'beginning' });
  const [description] = await log.admin.describeTopics([topic]);
  const ends = description?.offsets ?? [];
  const records: StreamRecord[] = [];
  while (reader.positions().some((at) => at.offset < (ends[at.partition]?.end ?? 0n))) {
    records.push(...(await reader.next(POLL)));
  }
  await reader.close();
  return records;
}
