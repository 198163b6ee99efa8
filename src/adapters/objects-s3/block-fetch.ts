/**
 * One request for neighbouring blocks. Each block is handed out as soon as its last byte has come, so that a reader of the
 * first one does not wait for what was fetched ahead.
 */

/** Delivers exactly the bytes `[start, end)`, in order, or rejects. */
export type RangeReader = (
  range: { readonly start: number; readonly end: number },
  onBytes: (bytes: Uint8Array) => void,
  signal: AbortSignal,
) => Promise<void>;

export interface BlockSpan {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

export interface FetchTarget {
  readonly size: number;
  readonly blockBytes: number;
  readonly read: RangeReader;
  /** Called before the block's own promise resolves. */
  readonly onBlock: (index: number, bytes: Uint8Array) => void;
}

export class BlockFetch {
  readonly span: BlockSpan;
  /** True when it runs without anyone waiting; it then goes on although no reader is left. */
  readonly ahead: boolean;
  readonly #blocks = new Map<number, PromiseWithResolvers<Uint8Array>>();
  readonly #controller = new AbortController();
  readonly #target: FetchTarget;
  #waiting = 0;

  constructor(span: BlockSpan, target: FetchTarget, ahead: boolean) {
    this.span = span;
    this.ahead = ahead;
    this.#target = target;
    for (let index = span.first; index <= span.last; index++) {
      const block = Promise.withResolvers<Uint8Array>();
      block.promise.catch(() => {}); // Nobody may be waiting for a block that was fetched ahead.
      this.#blocks.set(index, block);
    }
  }

  /** Settles when the request has, with what it failed with; never rejects: the failure is each block's. */
  async run(): Promise<unknown> {
    const { size, blockBytes, read } = this.#target;
    const range = {
      start: this.span.first * blockBytes,
      end: Math.min(size, (this.span.last + 1) * blockBytes),
    };
    const cutter = new BlockCutter(this.span.first, range, blockBytes, (index, bytes) => {
      if (this.cancelled) return;
      this.#target.onBlock(index, bytes);
      this.#blocks.get(index)?.resolve(bytes);
    });
    try {
      await read(range, (bytes) => cutter.push(bytes), this.#controller.signal);
      return undefined;
    } catch (thrown) {
      this.#fail(thrown);
      return thrown;
    }
  }

  /** Gives up waiting, but not the fetch, when `signal` aborts; the last one to leave ends a fetch made for readers. */
  async block(index: number, signal?: AbortSignal): Promise<Uint8Array> {
    const block = this.#blocks.get(index);
    if (block === undefined) throw new RangeError(`block ${index} is not part of this fetch`);
    signal?.throwIfAborted();
    this.#waiting++;
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([block.promise, left.promise]);
    } finally {
      signal?.removeEventListener('abort', leave);
      this.#waiting--;
      if (this.#waiting === 0 && signal?.aborted && !this.ahead) this.cancel(signal.reason);
    }
  }

  get cancelled(): boolean {
    return this.#controller.signal.aborted;
  }

  cancel(reason: unknown): void {
    this.#controller.abort(reason);
    this.#fail(reason);
  }

  #fail(reason: unknown): void {
    for (const block of this.#blocks.values()) block.reject(reason);
  }
}

/** Cuts a stream of bytes into blocks of equal length, the last one of the object shorter. */
class BlockCutter {
  readonly #end: number;
  readonly #blockBytes: number;
  readonly #onBlock: (index: number, bytes: Uint8Array) => void;
  #index: number;
  #position: number;
  #block: Uint8Array;
  #filled = 0;

  constructor(
    first: number,
    range: { readonly start: number; readonly end: number },
    blockBytes: number,
    onBlock: (index: number, bytes: Uint8Array) => void,
  ) {
    this.#index = first;
    this.#position = range.start;
    this.#end = range.end;
    this.#blockBytes = blockBytes;
    this.#onBlock = onBlock;
    this.#block = this.#next();
  }

  push(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.byteLength > 0) {
      const piece = rest.subarray(0, this.#block.byteLength - this.#filled);
      if (piece.byteLength === 0) throw new RangeError('more bytes than the range holds');
      this.#block.set(piece, this.#filled);
      this.#filled += piece.byteLength;
      rest = rest.subarray(piece.byteLength);
      if (this.#filled === this.#block.byteLength) this.#finish();
    }
  }

  #finish(): void {
    this.#position += this.#filled;
    this.#onBlock(this.#index, this.#block);
    this.#index++;
    this.#filled = 0;
    this.#block = this.#next();
  }

  #next(): Uint8Array {
    return new Uint8Array(Math.max(0, Math.min(this.#blockBytes, this.#end - this.#position)));
  }
}
