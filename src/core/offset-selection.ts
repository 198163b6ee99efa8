/**
 * Which offsets of one partition a backfill works on, as rising runs of neighbours: a plan is immutable, so what its
 * predicates chose is written down in it and not asked again.
 *
 * S1. Offsets are added in rising order. A run also spans offsets that were never seen (gaps hold no records).
 * S2. `encoded()` is the base64 of unsigned LEB128 pairs: the distance from the end of the run before, and the length.
 */
import { FirstFiveError } from './errors.ts';

export class OffsetSelection {
  /** `[first, end)` of each run, rising and apart. */
  readonly #firsts: bigint[] = [];
  readonly #ends: bigint[] = [];

  /** `chosen` false ends the run: a record lies there that is not wanted. */
  add(offset: bigint, chosen: boolean, previous: bigint | undefined): void {
    const end = this.#ends.at(-1) ?? 0n;
    if (offset < end)
      throw new RangeError(`offset ${offset} after ${end}: offsets are added in rising order (S1)`);
    if (!chosen) return;
    const isNeighbour = this.#ends.length > 0 && previous !== undefined && previous === end - 1n;
    if (isNeighbour) this.#ends[this.#ends.length - 1] = offset + 1n;
    else {
      this.#firsts.push(offset);
      this.#ends.push(offset + 1n);
    }
  }

  has(offset: bigint): boolean {
    let [low, high] = [0, this.#firsts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] ?? 0n) <= offset) low = middle + 1;
      else high = middle;
    }
    return low < this.#firsts.length && (this.#firsts[low] ?? 0n) <= offset;
  }

  get runs(): number {
    return this.#firsts.length;
  }

  encoded(): string {
    const bytes: number[] = [];
    let before = 0n;
    this.#firsts.forEach((first, i) => {
      const end = this.#ends[i] ?? first;
      pushVarint(bytes, first - before);
      pushVarint(bytes, end - first);
      before = end;
    });
    return Buffer.from(bytes).toString('base64');
  }

  /** @throws FirstFiveError `CONFIG_INVALID` for a text that `encoded` never gives. */
  static decode(text: string): OffsetSelection {
    const numbers = varints(Buffer.from(text, 'base64'));
    if (numbers.length % 2 !== 0) throw damaged();
    const selection = new OffsetSelection();
    let at = 0n;
    for (let i = 0; i < numbers.length; i += 2) {
      const [gap = 0n, length = 0n] = [numbers[i], numbers[i + 1]];
      if (length === 0n) throw damaged();
      selection.#firsts.push(at + gap);
      at += gap + length;
      selection.#ends.push(at);
    }
    return selection;
  }
}

function pushVarint(bytes: number[], value: bigint): void {
  let rest = value;
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
}

function varints(bytes: Uint8Array): bigint[] {
  const numbers: bigint[] = [];
  let [value, shift] = [0n, 0n];
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (shift > 70n) throw damaged();
    if ((byte & 0x80) !== 0) continue;
    numbers.push(value);
    [value, shift] = [0n, 0n];
  }
  if (shift !== 0n) throw damaged();
  return numbers;
}

function damaged(): FirstFiveError {
  return new FirstFiveError('CONFIG_INVALID', "a plan's selection of offsets is damaged: plan again");
}
