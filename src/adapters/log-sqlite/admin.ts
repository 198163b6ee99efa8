/** Topics, offsets and upkeep. */
import { FirstFiveError } from '../../core/errors.ts';
import type { LogAdmin, PartitionOffset, TopicDescription, TopicSpec } from '../../runtime/log.ts';
import type { Catalog, TopicRef } from './catalog.ts';
import { cleanLog } from './cleaner.ts';
import type { Database } from './database.ts';
import { partitionBounds } from './fetch.ts';
import { committedOffsets } from './groups.ts';
import { offsetForTime } from './offset-for-time.ts';

export class SqliteLogAdmin implements LogAdmin {
  readonly #db: Database;
  readonly #catalog: Catalog;
  readonly #now: () => number;

  constructor(db: Database, catalog: Catalog, now: () => number) {
    this.#db = db;
    this.#catalog = catalog;
    this.#now = now;
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    const names = topics.map((topic) => topic.name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new FirstFiveError('CONFIG_INVALID', `topic ${twice} is given twice`);
    await this.#db.transact(() => this.#catalog.ensure(topics));
    await this.#db.read(() => this.#catalog.refresh());
  }

  describeTopics(names?: readonly string[]): Promise<readonly TopicDescription[]> {
    return this.#db.read(() => {
      const topics = this.#catalog.refresh();
      const wanted = names?.map((name) => this.#catalog.topic(name)) ?? [...topics.values()];
      return wanted.map((topic) => this.#describe(topic));
    });
  }

  committedOffsets(groupId: string): Promise<readonly PartitionOffset[]> {
    return this.#db.read(() => committedOffsets(this.#db, groupId));
  }

  offsetsForTime(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]> {
    return this.#db.read(() =>
      this.#catalog.topic(topic).refs.map((ref) => ({
        topic,
        partition: ref.partition,
        offset: BigInt(offsetForTime(this.#db, ref, timestampMs)),
      })),
    );
  }

  clean(): Promise<number> {
    return cleanLog(this.#db, this.#catalog, this.#now());
  }

  #describe({ refs, ...spec }: TopicRef): TopicDescription {
    const offsets = refs.map((ref) => {
      const { start, end } = partitionBounds(this.#db, ref);
      return { start: BigInt(start), end: BigInt(end) };
    });
    return { ...spec, offsets };
  }
}
