/**
 * The production text normaliser: what an uploader wrote, in the form the SnapUGC texts have.
 *
 * N1. Total: any string is accepted; a lone surrogate becomes U+FFFD.
 * N2. Variation selectors, joiners and skin tones go; each emoji (longest match) becomes ' <CLDR short name> '.
 * N3. At most 30 marks follow one another (UAX #15, stream-safe text), which keeps NFKC linear on hostile input.
 * N4. Then NFKC, then '#' becomes a space. Case stays: later bundles may read it; the text head folds it itself.
 */
import type { UploadText } from '../upload.ts';
import { isMark } from './character-classes.ts';
import { emojiTrie, isIgnorable } from './emoji.ts';

const MARK_RUN_LIMIT = 30;
const REPLACEMENT = 0xfffd;
const PLAIN_ASCII = /^[\x20-\x22\x24-\x7e]*$/;

export function normaliseText(text: string): string {
  if (PLAIN_ASCII.test(text)) return text;
  return spellEmoji(codePoints(text)).normalize('NFKC').replaceAll('#', ' ');
}

/** Every field that is there, normalised. */
export function normaliseUploadText(text: UploadText): UploadText {
  return {
    ...(text.title === undefined ? {} : { title: normaliseText(text.title) }),
    ...(text.description === undefined ? {} : { description: normaliseText(text.description) }),
    ...(text.caption === undefined ? {} : { caption: normaliseText(text.caption) }),
  };
}

function codePoints(text: string): readonly number[] {
  const codes: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0) ?? REPLACEMENT;
    if (code >= 0xd800 && code <= 0xdfff) codes.push(REPLACEMENT);
    else if (!isIgnorable(code)) codes.push(code);
  }
  return codes;
}

function spellEmoji(codes: readonly number[]): string {
  const out: string[] = [];
  let marks = 0;
  for (let at = 0; at < codes.length; ) {
    const match = longestEmoji(codes, at);
    if (match !== undefined) {
      out.push(' ', match.name, ' ');
      at = match.end;
      marks = 0;
      continue;
    }
    const code = codes[at] ?? REPLACEMENT;
    marks = isMark(code) ? marks + 1 : 0;
    if (marks <= MARK_RUN_LIMIT) out.push(String.fromCodePoint(code));
    at++;
  }
  return out.join('');
}

function longestEmoji(codes: readonly number[], start: number): { name: string; end: number } | undefined {
  let found: { name: string; end: number } | undefined;
  let node = emojiTrie().children.get(codes[start] ?? -1);
  for (let end = start + 1; node !== undefined; end++) {
    if (node.name !== undefined) found = { name: node.name, end };
    node = node.children.get(codes[end] ?? -1);
  }
  return found;
}
