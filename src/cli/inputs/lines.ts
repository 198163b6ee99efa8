/**
 * Lines of a byte stream, as bytes: what is not UTF-8 must be found out, not repaired on the way in.
 *
 * L1. Memory is bounded: a line longer than the limit is skipped to its end and reported by number.
 * L2. A byte order mark before the first line and a carriage return before a line feed are not part of the line.
 */

export interface InputLine {
  /** From 1, as editors count. */
  readonly number: number;
  /** `null` when the line exceeds the limit. */
  readonly bytes: Uint8Array | null;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<InputLine> {
  let number = 0;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const hold = (part: Uint8Array) => {
    heldBytes += part.byteLength;
    if (heldBytes > maxLineBytes) held = [];
    else held.push(part);
  };
  const take = (): InputLine => {
    number += 1;
    const bytes = heldBytes > maxLineBytes ? null : trimmed(Buffer.concat(held), number);
    held = [];
    heldBytes = 0;
    return { number, bytes };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      hold(chunk.subarray(start, end));
      start = end + 1;
      yield take();
    }
    if (start < chunk.byteLength) hold(chunk.subarray(start));
  }
  if (heldBytes > 0) yield take();
}

function trimmed(line: Uint8Array, number: number): Uint8Array {
  const hasMark = number === 1 && line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf;
  const end = line.at(-1) === CARRIAGE_RETURN ? line.byteLength - 1 : line.byteLength;
  return line.subarray(hasMark ? 3 : 0, end);
}
