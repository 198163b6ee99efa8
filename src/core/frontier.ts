/**
 * The frontier of one partition: what was taken in, what is finished, and how far the offset may move.
 *
 * F1. Entries are added in offset order; they may finish in any order.
 * F2. Only the contiguous finished prefix is ever offered for commit, in offset order.
 * F3. Offsets may have gaps (compaction, transaction markers): the successor of an entry is the next one *seen*.
 * F4. What an entry held is free as soon as the frontier has advanced over it.
 */

interface Entry<T> {
  readonly offset: bigint;
  /** `undefined` while the work is under way. */
  result: T | undefined;
}

/** A place in a frontier. */
export type FrontierEntry<T> = Readonly<Entry<T>>;

export class Frontier<T extends object> {
  /** Before `#head`: holes, until there are enough of them to move the rest. */
  #entries: (Entry<T> | undefined)[] = [];
  #head = 0;
  /** Index of the first unfinished entry: `[#head, #firstUnfinished)` is the finished prefix. Kept, not searched for. */
  #firstUnfinished = 0;
  #last: bigint | undefined;

  /** Takes in the record at `offset` and returns the function that finishes it (once; later calls change nothing). */
  add(offset: bigint): (result: T) => void {
    const entry = this.enter(offset);
    return (result) => this.finish(entry, result);
  }

  /** As `add`, for `finish`. */
  enter(offset: bigint): FrontierEntry<T> {
    if (this.#last !== undefined && offset <= this.#last) {
      throw new RangeError(`offset ${offset} after ${this.#last}: a partition is taken in offset order (F1)`);
    }
    this.#last = offset;
    const entry: Entry<T> = { offset, result: undefined };
    this.#entries.push(entry);
    return entry;
  }

  /** `entry` is one of this frontier's. Once; later calls change nothing. */
  finish(entry: FrontierEntry<T>, result: T): void {
    (entry as Entry<T>).result ??= result;
    while (this.#entries[this.#firstUnfinished]?.result !== undefined) this.#firstUnfinished += 1;
  }

  /** Entries taken in and not yet advanced over. */
  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** Length of the contiguous finished prefix. */
  get finishedCount(): number {
    return this.#firstUnfinished - this.#head;
  }

  get oldestUnfinished(): bigint | undefined {
    return this.#entries[this.#firstUnfinished]?.offset;
  }

  /** Up to `limit` results of the contiguous finished prefix, in offset order (F2). Nothing is removed. */
  finished(limit: number): readonly T[] {
    const results: T[] = [];
    const end = Math.min(this.#firstUnfinished, this.#head + limit);
    for (let i = this.#head; i < end; i++) {
      const result = this.#entries[i]?.result;
      if (result !== undefined) results.push(result);
    }
    return results;
  }

  /** The offset to commit once the first `count` finished entries are: the next one to read. */
  nextAfter(count: number): bigint {
    const last = this.#entries[this.#head + count - 1];
    if (count < 1 || count > this.finishedCount || last === undefined) {
      throw new RangeError(`cannot advance over ${count} entries: ${this.finishedCount} are finished`);
    }
    return last.offset + 1n;
  }

  /** Forgets the first `count` entries, after their commit. */
  advance(count: number): void {
    this.nextAfter(count);
    this.#entries.fill(undefined, this.#head, this.#head + count);
    this.#head += count;
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#firstUnfinished -= this.#head;
      this.#head = 0;
    }
  }
}
