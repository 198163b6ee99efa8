/**
 * The highest (revision, tier) emitted per upload, so that an old event never overwrites a newer score.
 *
 * It is a view of the guarded topic, not a source of truth: on assignment it is brought up to the topic's end, and each
 * commit of ours is applied after it succeeded. A crash in between is healed by the next catch-up.
 */
import { headerText, type StreamRecord } from '../core/record.ts';
import type { EmissionOrder } from './handler.ts';
import type { Log, PartitionOffset } from './log.ts';
import { REJECTED_HEADER, REVISION_HEADER, TIER_HEADER } from './record-headers.ts';

/** Storage of the view. `log` adapters know nothing of it. Not for concurrent use. */
export interface LatestTable {
  get(id: string): Omit<EmissionOrder, 'id'> | undefined;
  /** `applied`: where the next catch-up starts. Both in one step, where the storage survives the process. */
  apply(
    changes: readonly (EmissionOrder | { readonly id: string; readonly removed: true })[],
    applied?: PartitionOffset,
  ): void;
  appliedUpTo(topic: string, partition: number): bigint | undefined;
  /** Forgets everything: the view is rebuilt from the topic's beginning. */
  clear(): void;
  close(): void;
}

export function memoryTable(): LatestTable {
  const latest = new Map<string, Omit<EmissionOrder, 'id'>>();
  const applied = new Map<string, bigint>();
  return {
    get: (id) => latest.get(id),
    apply(changes, position) {
      for (const change of changes) {
        if ('removed' in change) latest.delete(change.id);
        else latest.set(change.id, { revision: change.revision, tier: change.tier });
      }
      if (position !== undefined) applied.set(`${position.topic}-${position.partition}`, position.offset);
    },
    appliedUpTo: (topic, partition) => applied.get(`${topic}-${partition}`),
    clear: () => {
      latest.clear();
      applied.clear();
    },
    close: () => {},
  };
}

/** Negative when `a` is older than `b`. */
export function compareOrder(
  a: Pick<EmissionOrder, 'revision' | 'tier'>,
  b: Pick<EmissionOrder, 'revision' | 'tier'>,
): number {
  return a.revision - b.revision || a.tier - b.tier;
}

const CATCH_UP = { maxRecords: 2_000, maxBytes: 8 * 1024 * 1024, maxWaitMs: 500 };
/** A cluster may answer with nothing before it answers with records: one empty read is not the end. */
const MAX_EMPTY_READS = 10;

/**
 * Reads the guarded topic's partitions from where the table stands to their end. A table that stands behind the end of the
 * log it is given was made from another one (the file was replaced, say), and is rebuilt.
 */
export async function catchUp(
  log: Log,
  table: LatestTable,
  topic: string,
  partitions: readonly number[],
): Promise<void> {
  const [description] = await log.admin.describeTopics([topic]);
  if (description === undefined) return;
  const isForeign = partitions.some(
    (partition) => (table.appliedUpTo(topic, partition) ?? 0n) > (description.offsets[partition]?.end ?? 0n),
  );
  if (isForeign) table.clear();
  const from = partitions.map((partition) => {
    const start = description.offsets[partition]?.start ?? 0n;
    const applied = table.appliedUpTo(topic, partition) ?? 0n;
    return { topic, partition, offset: applied > start ? applied : start };
  });
  const ends = new Map(partitions.map((p) => [p, description.offsets[p]?.end ?? 0n]));
  const behind = from.filter((at) => at.offset < (ends.get(at.partition) ?? 0n));
  if (behind.length === 0) return;
  const reader = await log.openReader([topic], { at: 'offsets', offsets: behind });
  try {
    let emptyReads = 0;
    while (
      emptyReads < MAX_EMPTY_READS &&
      reader.positions().some((at) => at.offset < (ends.get(at.partition) ?? 0n))
    ) {
      const records = await reader.next(CATCH_UP);
      emptyReads = records.length === 0 ? emptyReads + 1 : 0;
      applyRecords(table, records);
      for (const at of reader.positions()) table.apply([], at);
    }
  } finally {
    await reader.close();
  }
}

function applyRecords(table: LatestTable, records: readonly StreamRecord[]): void {
  const decoder = new TextDecoder();
  for (const record of records) {
    if (record.key === null) continue;
    const id = decoder.decode(record.key);
    // A tombstone that names a rejection stands for a revision that was given up; any other one removes the upload.
    if (record.value === null && headerText(record.headers, REJECTED_HEADER) === undefined) {
      table.apply([{ id, removed: true }]);
      continue;
    }
    const revision = Number(headerText(record.headers, REVISION_HEADER));
    const tier = Number(headerText(record.headers, TIER_HEADER) ?? 0);
    if (!Number.isInteger(revision) || !Number.isInteger(tier)) continue;
    const known = table.get(id);
    if (known === undefined || compareOrder(known, { revision, tier }) < 0)
      table.apply([{ id, revision, tier }]);
  }
}
