/**
 * The frontier of one partition: what was taken in, what is finished, and how far the offset may move.
 *
 * F1. Entries are added in offset order; they may finish in any order.
 * F2. Only the contiguous finished prefix is ever offered for commit, in offset order.
 * F3. Offsets may have gaps (compaction, transaction markers): the successor of an entry is the next one *seen*.
 */

interface Entry<T> {
  readonly offset: bigint;
  /** `undefined` while the work is under way. */
  result: T | undefined;
}

export class Frontier<T extends object> {
  #entries: Entry<T>[] = [];
  #head = 0;
  /** Index of the first unfinished entry: `[#head, #firstUnfinished)` is the finished prefix. Kept, not searched for. */
  #firstUnfinished = 0;

  /** Takes in the record at `offset` and returns the function that finishes it (once; later calls change nothing). */
  add(offset: bigint): (result: T) => void {
    const last = this.#entries.at(-1);
    if (last !== undefined && offset <= last.offset) {
      throw new RangeError(
        `offset ${offset} after ${last.offset}: a partition is taken in offset order (F1)`,
      );
    }
    const entry: Entry<T> = { offset, result: undefined };
    this.#entries.push(entry);
    return (result) => {
      entry.result ??= result;
      while (this.#entries[this.#firstUnfinished]?.result !== undefined) this.#firstUnfinished += 1;
    };
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
    this.#head += count;
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#firstUnfinished -= this.#head;
      this.#head = 0;
    }
  }
}
