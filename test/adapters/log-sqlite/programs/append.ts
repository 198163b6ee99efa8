/** Appends numbered records in calls of `batch`. Arguments: path, topic, first number, count, batch. Says "done". */
import { openSqliteLog } from '../../../../src/adapters/log-sqlite/sqlite-log.ts';

const [path = '', topic = '', first = 0, count = 0, batch = 1] = process.argv
  .slice(2)
  .map((argument, i) => (i < 2 ? argument : Number(argument))) as [string, string, number, number, number];
const log = await openSqliteLog({ path });
const encoder = new TextEncoder();
for (let i = 0; i < count; i += batch) {
  const numbers = Array.from({ length: Math.min(batch, count - i) }, (_, j) => String(first + i + j));
  await log.append(
    numbers.map((number) => ({
      topic,
      timestamp: 1,
      key: encoder.encode(number),
      value: encoder.encode(number),
      headers: [],
    })),
  );
}
await log.close();
process.stdout.write('done\n');
