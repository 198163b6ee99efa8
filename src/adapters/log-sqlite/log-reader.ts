/** Reads without a group. A reader that retention overtakes goes on at the first record kept. */
import { FirstFiveError } from '../../core/errors.ts';
import { partitionKey, type StreamRecord } from '../../core/record.ts';
import type { LogReader, PartitionOffset, PollRequest, ReadFrom } from '../../runtime/log.ts';
import type { Catalog } from './catalog.ts';
import type { Database } from './database.ts';
import { type Cursor, fetchRecords, partitionBounds } from './fetch.ts';
import { offsetForTime } from './offset-for-time.ts';
import { waitForRecords } from './wait-for-records.ts';
import type { WakeUp } from './wake-up.ts';

export class SqliteLogReader implements LogReader {
  readonly #db: Database;
  readonly #wakeUp: WakeUp;
  readonly #cursors: readonly Cursor[];
  #turn = 0;
  #closed = false;

  constructor(db: Database, wakeUp: WakeUp, cursors: readonly Cursor[]) {
    this.#db = db;
    this.#wakeUp = wakeUp;
    this.#cursors = cursors;
  }

  next(request: PollRequest): Promise<readonly StreamRecord[]> {
    return waitForRecords(this.#wakeUp, request, async () => {
      if (this.#closed) return undefined;
      const first = this.#turn++ % Math.max(1, this.#cursors.length);
      const cursors = [...this.#cursors.slice(first), ...this.#cursors.slice(0, first)];
      return this.#db.read(() =>
        fetchRecords(this.#db, cursors, request, (cursor, { start }) => {
          cursor.position = start;
        }),
      );
    });
  }

  positions(): readonly PartitionOffset[] {
    return this.#cursors.map(({ ref, position }) => ({
      topic: ref.topic,
      partition: ref.partition,
      offset: BigInt(position),
    }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wakeUp.announce();
  }
}

/** Where a new reader starts. With explicit offsets it reads only the partitions named; others of its topics are left out. */
export function readerCursors(
  db: Database,
  catalog: Catalog,
  topics: readonly string[],
  from: ReadFrom,
): Cursor[] {
  const refs = topics.flatMap((topic) => catalog.topic(topic).refs);
  switch (from.at) {
    case 'beginning':
      return refs.map((ref) => ({ ref, position: partitionBounds(db, ref).start }));
    case 'end':
      return refs.map((ref) => ({ ref, position: partitionBounds(db, ref).end }));
    case 'time':
      return refs.map((ref) => ({ ref, position: offsetForTime(db, ref, from.timestampMs) }));
    case 'offsets':
      return from.offsets.map((at) => explicitCursor(db, catalog, topics, at));
  }
}

function explicitCursor(
  db: Database,
  catalog: Catalog,
  topics: readonly string[],
  at: PartitionOffset,
): Cursor {
  if (!topics.includes(at.topic)) {
    throw new FirstFiveError(
      'INTERNAL',
      `an offset of ${partitionKey(at)} is given, but the topic is not read`,
    );
  }
  const ref = catalog.partition(at.topic, at.partition);
  const { start, end } = partitionBounds(db, ref);
  const position = Number(at.offset);
  if (position < start || position > end) {
    throw new FirstFiveError(
      'OFFSET_OUT_OF_RANGE',
      `${partitionKey(at)} holds offsets ${start} to ${end}; ${position} is asked for`,
    );
  }
  return { ref, position };
}
