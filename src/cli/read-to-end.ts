/** Every record that a topic holds now, and not those that arrive while reading. */
import type { StreamRecord } from '../core/record.ts';
import type { Log } from '../runtime/log.ts';

const READ = { maxRecords: 1_000, maxBytes: 8 * 1024 * 1024, maxWaitMs: 0 };

/** Partition by partition mixed as the log returns them; in order within each. An absent topic holds nothing. */
export async function* readToEnd(log: Log, topic: string): AsyncGenerator<StreamRecord> {
  const all = await log.admin.describeTopics();
  const description = all.find((candidate) => candidate.name === topic);
  if (description === undefined) return;
  const end = (partition: number) => description.offsets[partition]?.end ?? 0n;
  const reader = await log.openReader([topic], { at: 'beginning' });
  try {
    while (reader.positions().some((at) => at.offset < end(at.partition))) {
      const records = await reader.next(READ);
      if (records.length === 0) return;
      for (const record of records) if (record.offset < end(record.partition)) yield record;
    }
  } finally {
    await reader.close();
  }
}
