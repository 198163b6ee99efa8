/** Character questions of BERT's basic tokenizer, as the Rust `tokenizers` library answers them (its bert.rs). */

const PUNCTUATION = /\p{P}/u;
const OTHER = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u;
const SPACE = /\p{White_Space}/u;
const REPLACEMENT = 0xfffd;
const ASCII_END = 0x80;
const FIRST_PRINTABLE_LATIN = 0xa0;

/** First and last of each block that BERT treats as Chinese: ideographs stand alone, kana and Hangul do not. */
const IDEOGRAPHS: readonly (readonly [number, number])[] = [
  [0x4e00, 0x9fff],
  [0x3400, 0x4dbf],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  // The reference starts this block 256 later than BERT's own code does.
  [0x2b920, 0x2ceaf],
  [0xf900, 0xfaff],
  [0x2f800, 0x2fa1f],
];

/** White space, but for the controls among it: of those only tab, line feed and carriage return part words. */
export function isSpace(code: number): boolean {
  if (code < FIRST_PRINTABLE_LATIN) return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
  return SPACE.test(String.fromCodePoint(code));
}

/** NUL, U+FFFD, controls, formats and private use say nothing. White space has been asked about before. */
export function isDropped(code: number): boolean {
  if (code < FIRST_PRINTABLE_LATIN) return code < 0x20 || code >= 0x7f;
  return code === REPLACEMENT || OTHER.test(String.fromCodePoint(code));
}

export function isBertIdeograph(code: number): boolean {
  return code >= 0x3400 && IDEOGRAPHS.some(([first, last]) => code >= first && code <= last);
}

/** Category P, and the ASCII symbols that BERT counts as punctuation ($, +, <, =, >, ^, `, |, ~). `char`: one code point. */
export function isBertPunctuation(char: string): boolean {
  const code = char.codePointAt(0) ?? 0;
  if (code >= ASCII_END) return PUNCTUATION.test(char);
  return (
    (code >= 0x21 && code <= 0x2f) ||
    (code >= 0x3a && code <= 0x40) ||
    (code >= 0x5b && code <= 0x60) ||
    (code >= 0x7b && code <= 0x7e)
  );
}
