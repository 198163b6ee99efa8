/**
 * A pipeline in small: reads `in`, writes each value to `out` with its source offset, in units of a few records, until `in`
 * holds no more for a second or the process is killed. Arguments: path of the log, group. Says "joined" and "done".
 */
import { openSqliteLog } from '../../../../src/adapters/log-sqlite/sqlite-log.ts';
import { partitionKey, type StreamRecord } from '../../../../src/core/record.ts';
import type { Assignment, OffsetCommit } from '../../../../src/runtime/log.ts';

const [path = '', groupId = ''] = process.argv.slice(2);
const log = await openSqliteLog({ path });
const epochs = new Map<string, number>();
const member = await log.join({
  groupId,
  topics: ['in'],
  slot: '0',
  listener: {
    onAssigned: async (at: readonly Assignment[]) =>
      at.forEach((one) => void epochs.set(partitionKey(one), one.epoch)),
    onRevoked: async () => {},
  },
});
process.stdout.write('joined\n');
for (let size = 1; ; size = (size % 7) + 1) {
  const records = await member.poll({ maxRecords: size, maxBytes: 1_000_000, maxWaitMs: 1_000 });
  if (records.length === 0) break;
  await member.commit({ outputs: records.map(toOutput), offsets: nextOffsets(records) });
}
await log.close();
process.stdout.write('done\n');

function toOutput(record: StreamRecord) {
  return { topic: 'out', timestamp: record.timestamp, key: record.key, value: record.value, headers: [] };
}

function nextOffsets(records: readonly StreamRecord[]): OffsetCommit[] {
  const next = new Map<string, OffsetCommit>();
  for (const { topic, partition, offset } of records) {
    const key = partitionKey({ topic, partition });
    next.set(key, { topic, partition, offset: offset + 1n, epoch: epochs.get(key) ?? -1 });
  }
  return [...next.values()];
}
