/**
 * Reads of one pinned object through its block cache.
 *
 * B1. A block under way is never asked for again: readers of it share one request.
 * B2. Memory: what is cached is bounded by the pool, what is under way by `maxFetchBytes` for each request.
 * B3. Once a range was found to be of other bytes (`MEDIA_CHANGED`), every later read fails with that: blocks of two
 *     contents are never mixed.
 */
import { FirstFiveError } from '../../core/errors.ts';
import { BlockFetch, type BlockSpan, type FetchTarget, type RangeReader } from './block-fetch.ts';
import type { BlockPool, ObjectBlocks } from './block-pool.ts';
import { ReadAhead, type ReadAheadLimits } from './read-ahead.ts';

export interface CachedObjectOptions {
  readonly size: number;
  readonly read: RangeReader;
  readonly pool: BlockPool;
  readonly limits: ReadAheadLimits;
}

export class CachedObject {
  readonly #size: number;
  readonly #limits: ReadAheadLimits;
  readonly #target: FetchTarget;
  readonly #readAhead: ReadAhead;
  readonly #blocks: ObjectBlocks;
  readonly #underWay = new Map<number, BlockFetch>();
  #ended: FirstFiveError | undefined;

  constructor({ size, read, pool, limits }: CachedObjectOptions) {
    this.#size = size;
    this.#limits = limits;
    this.#readAhead = new ReadAhead(size, limits);
    this.#blocks = pool.forObject();
    this.#target = {
      size,
      blockBytes: limits.blockBytes,
      read,
      onBlock: (index, bytes) => this.#arrived(index, bytes),
    };
  }

  /** Puts the first bytes of the object, which came with its opening, into the cache. Whole blocks only. */
  seed(bytes: Uint8Array): void {
    const { blockBytes } = this.#limits;
    for (let start = 0; start < bytes.byteLength; start += blockBytes) {
      const end = Math.min(this.#size, start + blockBytes);
      if (end <= bytes.byteLength)
        this.#blocks.put({ index: start / blockBytes, bytes: bytes.subarray(start, end) });
    }
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
      throw new FirstFiveError('INTERNAL', `no range of an object: ${length} bytes from ${offset}`);
    }
    signal?.throwIfAborted();
    if (this.#ended !== undefined) throw this.#ended;
    const end = Math.min(this.#size, offset + length);
    if (end <= offset) return new Uint8Array(0);
    const wanted = this.#readAhead.note(offset, end);
    const bytes = new Uint8Array(end - offset);
    const step = this.#limits.maxFetchBytes;
    for (let at = offset; at < end; at += step) {
      const last = at + step >= end;
      await this.#fill(
        bytes,
        { from: offset, start: at, end: Math.min(end, at + step) },
        last ? wanted : end,
        signal,
      );
    }
    this.#fetchAhead(end, wanted);
    return bytes;
  }

  /** Ends every request under way and frees the cache. */
  close(): void {
    this.#end(new FirstFiveError('INTERNAL', 'the object is closed'));
  }

  async #fill(
    into: Uint8Array,
    part: { readonly from: number; readonly start: number; readonly end: number },
    wanted: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const { blockBytes } = this.#limits;
    const first = Math.floor(part.start / blockBytes);
    const last = Math.floor((part.end - 1) / blockBytes);
    const blocks = await Promise.all(this.#take({ first, last }, wanted, signal));
    for (const [i, block] of blocks.entries()) {
      const blockStart = (first + i) * blockBytes;
      const from = Math.max(part.start, blockStart);
      const until = Math.min(part.end, blockStart + block.byteLength);
      into.set(block.subarray(from - blockStart, until - blockStart), from - part.from);
    }
  }

  /** All blocks of the span: cached, under way, or asked for now. The last request reaches up to `wanted`. */
  #take(span: BlockSpan, wanted: number, signal?: AbortSignal): (Uint8Array | Promise<Uint8Array>)[] {
    const blocks: (Uint8Array | Promise<Uint8Array>)[] = [];
    for (let index = span.first; index <= span.last; index++) {
      const cached = this.#blocks.get(index);
      const fetch =
        cached === undefined ? (this.#joinable(index) ?? this.#start(index, span.last, wanted)) : undefined;
      const block = cached ?? fetch?.block(index, signal);
      if (block !== undefined) blocks.push(block);
    }
    return blocks;
  }

  #fetchAhead(end: number, wanted: number): void {
    const { blockBytes } = this.#limits;
    if (wanted <= end || this.#ended !== undefined) return;
    let index = Math.ceil(end / blockBytes);
    while (index * blockBytes < wanted && this.#isHere(index)) index++;
    // Half of it may be used up before more is fetched: fewer, longer requests.
    const atHand = Math.max(0, index * blockBytes - end);
    if (index * blockBytes >= wanted || atHand > (wanted - end) / 2) return;
    this.#start(index, index, wanted, true);
  }

  /** Asks for the missing blocks from `first` on: up to `last`, and on to `wanted` where the range gets so far. */
  #start(first: number, last: number, wanted: number, ahead = false): BlockFetch {
    const { blockBytes, maxFetchBytes } = this.#limits;
    const limit = Math.max(last, Math.ceil(wanted / blockBytes) - 1);
    const most = first + Math.max(1, Math.floor(maxFetchBytes / blockBytes)) - 1;
    let until = first;
    while (until < Math.min(limit, most) && !this.#isHere(until + 1)) until++;
    const fetch = new BlockFetch({ first, last: until }, this.#target, ahead);
    for (let index = first; index <= until; index++) this.#underWay.set(index, fetch);
    void this.#run(fetch);
    return fetch;
  }

  async #run(fetch: BlockFetch): Promise<void> {
    const failure = await fetch.run();
    for (let index = fetch.span.first; index <= fetch.span.last; index++) {
      if (this.#underWay.get(index) === fetch) this.#underWay.delete(index);
    }
    if (failure instanceof FirstFiveError && failure.code === 'MEDIA_CHANGED') this.#end(failure); // B3
  }

  #isHere(index: number): boolean {
    return this.#blocks.has(index) || this.#joinable(index) !== undefined;
  }

  /** A fetch whose last reader left is ended, though its request may take a moment to notice. */
  #joinable(index: number): BlockFetch | undefined {
    const fetch = this.#underWay.get(index);
    return fetch?.cancelled ? undefined : fetch;
  }

  #arrived(index: number, bytes: Uint8Array): void {
    this.#underWay.delete(index);
    if (this.#ended === undefined) this.#blocks.put({ index, bytes });
  }

  #end(error: FirstFiveError): void {
    this.#ended ??= error;
    for (const fetch of new Set(this.#underWay.values())) fetch.cancel(error);
    this.#underWay.clear();
    this.#blocks.clear();
  }
}
