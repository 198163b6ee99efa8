/** Unicode general categories that the text front end asks about, as a table: no regular expression per character. */

const WORD = 1;
const MARK = 2;
const WORD_PATTERN = /[\p{L}\p{M}\p{N}]/u;
const MARK_PATTERN = /\p{M}/u;
const BASIC_PLANE = 0x10000;

let table: Uint8Array | undefined;

/** Letter (L*), mark (M*) or number (N*). */
export function isWordCharacter(code: number): boolean {
  return (classesOf(code) & WORD) !== 0;
}

/** Combining, spacing or enclosing mark (M*). */
export function isMark(code: number): boolean {
  return (classesOf(code) & MARK) !== 0;
}

/** Whether any word is there. Stops at the first, so only text without one is read to its end. */
export function holdsWord(text: string): boolean {
  for (const char of text) if (isWordCharacter(char.codePointAt(0) ?? 0)) return true;
  return false;
}

function classesOf(code: number): number {
  table ??= buildTable();
  return code < BASIC_PLANE ? (table[code] ?? 0) : classify(code);
}

/** Built once, at first use: 65,536 bytes, a few milliseconds. Rare characters beyond it are classified one by one. */
function buildTable(): Uint8Array {
  return Uint8Array.from({ length: BASIC_PLANE }, (_, code) => classify(code));
}

function classify(code: number): number {
  const char = String.fromCodePoint(code);
  return (WORD_PATTERN.test(char) ? WORD : 0) | (MARK_PATTERN.test(char) ? MARK : 0);
}
