/**
 * The memory of all cached blocks: least recently used go first, of an object that exceeds its share before all others.
 *
 * C1. `bytes` never exceeds `maxBytes` after a call returns, and no object's blocks exceed `maxBytesPerObject`.
 */

export interface Block {
  readonly index: number;
  readonly bytes: Uint8Array;
}

interface Entry extends Block {
  readonly owner: ObjectBlocks;
}

export interface PoolLimits {
  readonly cacheBytes: number;
  readonly cacheBytesPerObject: number;
}

/** Iteration order of sets and maps is insertion order: taking out and putting back makes an entry the youngest. */
export class BlockPool {
  readonly limits: PoolLimits;
  readonly #entries = new Set<Entry>();
  #bytes = 0;

  constructor(limits: PoolLimits) {
    this.limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  forObject(): ObjectBlocks {
    return new ObjectBlocks(this);
  }

  /** For `ObjectBlocks` only, as are the next two. */
  add(entry: Entry): void {
    this.#entries.add(entry);
    this.#bytes += entry.bytes.byteLength;
    for (const oldest of this.#entries) {
      if (this.#bytes <= this.limits.cacheBytes) break;
      oldest.owner.drop(oldest.index);
    }
  }

  touch(entry: Entry): void {
    this.#entries.delete(entry);
    this.#entries.add(entry);
  }

  remove(entry: Entry): void {
    if (this.#entries.delete(entry)) this.#bytes -= entry.bytes.byteLength;
  }
}

/** The blocks of one object. */
export class ObjectBlocks {
  readonly #pool: BlockPool;
  readonly #entries = new Map<number, Entry>();
  #bytes = 0;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  has(index: number): boolean {
    return this.#entries.has(index);
  }

  get(index: number): Uint8Array | undefined {
    const entry = this.#entries.get(index);
    if (entry === undefined) return undefined;
    this.#entries.delete(index);
    this.#entries.set(index, entry);
    this.#pool.touch(entry);
    return entry.bytes;
  }

  put({ index, bytes }: Block): void {
    this.drop(index);
    const entry = { index, bytes, owner: this };
    this.#entries.set(index, entry);
    this.#bytes += bytes.byteLength;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#pool.limits.cacheBytesPerObject) break;
      this.drop(oldest);
    }
    if (this.#entries.has(index)) this.#pool.add(entry);
  }

  drop(index: number): void {
    const entry = this.#entries.get(index);
    if (entry === undefined) return;
    this.#entries.delete(index);
    this.#bytes -= entry.bytes.byteLength;
    this.#pool.remove(entry);
  }

  clear(): void {
    for (const index of [...this.#entries.keys()]) this.drop(index);
  }
}
