/** The end of what a child printed, bounded. */

const MAX_BYTES = 4096;

export class OutputRing {
  #bytes = Buffer.alloc(0);

  add(chunk: Uint8Array): void {
    const tail = chunk.byteLength > MAX_BYTES ? chunk.subarray(chunk.byteLength - MAX_BYTES) : chunk;
    const joined = Buffer.concat([this.#bytes, tail]);
    this.#bytes = joined.subarray(Math.max(0, joined.byteLength - MAX_BYTES));
  }

  /** One line, control characters replaced. */
  text(): string {
    return this.#bytes
      .toString('utf8')
      .replace(/[\p{Cc}\s]+/gu, ' ')
      .trim();
  }
}
