/**
 * The words of one field as UTF-8, `' w1 w2 w3 '`: every word n-gram and every character n-gram of a padded word is a
 * slice of this one buffer, so that hashing copies nothing.
 */
import { isWordCharacter } from './character-classes.ts';

const SPACE = 0x20;

export interface WordBuffer {
  readonly bytes: Uint8Array;
  /** Byte offset of each code point in `bytes`, then the end: `points.length - 1` code points in all. */
  readonly points: Int32Array;
  /** Indices into `points`: where each word starts, and where it ends (exclusive). */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** `folded`: normalised, lower-cased text. Linear in its length. */
export function wordBuffer(folded: string): WordBuffer {
  const bytes = new Uint8Array(folded.length * 3 + 2);
  const points = new Int32Array(folded.length + 3);
  const starts = new Int32Array((folded.length >> 1) + 1);
  const ends = new Int32Array(starts.length);
  let size = 0;
  let count = 0;
  let words = 0;
  let inWord = false;
  const space = (): void => {
    points[count++] = size;
    bytes[size++] = SPACE;
  };
  space();
  for (let i = 0; i < folded.length; i++) {
    const code = folded.codePointAt(i) ?? 0;
    if (code > 0xffff) i++;
    if (isWordCharacter(code)) {
      if (!inWord) starts[words] = count;
      inWord = true;
      points[count++] = size;
      size = encode(code, bytes, size);
    } else if (inWord) {
      ends[words++] = count;
      inWord = false;
      space();
    }
  }
  if (inWord) {
    ends[words++] = count;
    space();
  }
  points[count] = size;
  return {
    bytes: bytes.subarray(0, size),
    points: points.subarray(0, count + 1),
    starts: starts.subarray(0, words),
    ends: ends.subarray(0, words),
  };
}

/** Writes `code` as UTF-8 at `at`; returns the offset behind it. */
function encode(code: number, bytes: Uint8Array, at: number): number {
  if (code < 0x80) {
    bytes[at] = code;
    return at + 1;
  }
  if (code < 0x800) {
    bytes[at] = 0xc0 | (code >> 6);
    bytes[at + 1] = 0x80 | (code & 0x3f);
    return at + 2;
  }
  if (code < 0x10000) {
    bytes[at] = 0xe0 | (code >> 12);
    bytes[at + 1] = 0x80 | ((code >> 6) & 0x3f);
    bytes[at + 2] = 0x80 | (code & 0x3f);
    return at + 3;
  }
  bytes[at] = 0xf0 | (code >> 18);
  bytes[at + 1] = 0x80 | ((code >> 12) & 0x3f);
  bytes[at + 2] = 0x80 | ((code >> 6) & 0x3f);
  bytes[at + 3] = 0x80 | (code & 0x3f);
  return at + 4;
}
