/** `--from` and `--to` as offsets of each partition. */
import { FirstFiveError } from '../../../core/errors.ts';
import type { OffsetRange } from '../../../runtime/backfill/read-range.ts';
import type { Log, TopicDescription } from '../../../runtime/log.ts';
import { parseMoment } from '../../moments.ts';

/** `0:1500,3:20`: partition and offset. A topic may have partitions that are not named. */
const OFFSETS = /^\d+:\d+(,\d+:\d+)*$/;

export interface RangeFlags {
  readonly from: string;
  readonly to: string;
}

/**
 * One range for every partition, empty where the flags leave nothing. `--from` with offsets takes the partitions named;
 * `--to` with offsets ends those that it names, the others where the topic ends now.
 */
export async function plannedRanges(
  log: Log,
  topic: string,
  { from, to }: RangeFlags,
  now: number,
): Promise<readonly OffsetRange[]> {
  const description = (await log.admin.describeTopics()).find(({ name }) => name === topic);
  if (description === undefined) {
    throw new FirstFiveError(
      'TOPIC_NOT_FOUND',
      `there is no topic ${topic}: nothing was ever published to it`,
    );
  }
  const starts = await startsOf(log, description, from, now);
  const ends = await endsOf(log, description, to, now);
  return description.offsets.map((kept, partition) => {
    const end = smaller(ends.get(partition) ?? kept.end, kept.end);
    const start = starts.get(partition) ?? end;
    if (start < kept.start) throw removed(topic, partition, start, kept.start);
    return { partition, start: smaller(start, end), end };
  });
}

async function startsOf(log: Log, { name, offsets }: TopicDescription, from: string, now: number) {
  if (from === 'beginning') return new Map(offsets.map(({ start }, partition) => [partition, start]));
  if (OFFSETS.test(from)) return named('--from', from, offsets.length);
  return atTime(log, name, parseMoment('--from', from, now));
}

async function endsOf(log: Log, { name, offsets }: TopicDescription, to: string, now: number) {
  if (to === 'now') return new Map(offsets.map(({ end }, partition) => [partition, end]));
  if (OFFSETS.test(to)) return named('--to', to, offsets.length);
  return atTime(log, name, parseMoment('--to', to, now));
}

async function atTime(log: Log, topic: string, timestampMs: number): Promise<ReadonlyMap<number, bigint>> {
  const found = await log.admin.offsetsForTime(topic, timestampMs);
  return new Map(found.map(({ partition, offset }) => [partition, offset]));
}

function named(flag: string, text: string, partitions: number): ReadonlyMap<number, bigint> {
  const found = new Map<number, bigint>();
  for (const pair of text.split(',')) {
    const [partition = '', offset = ''] = pair.split(':');
    if (Number(partition) >= partitions) {
      throw new FirstFiveError(
        'USAGE',
        `${flag}: there is no partition ${partition}; the topic has ${partitions}`,
      );
    }
    found.set(Number(partition), BigInt(offset));
  }
  return found;
}

function removed(topic: string, partition: number, start: bigint, first: bigint): FirstFiveError {
  return new FirstFiveError(
    'OFFSET_OUT_OF_RANGE',
    `--from: ${topic}-${partition} begins at offset ${first}; retention has removed ${start}`,
  );
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
