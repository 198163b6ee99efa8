/**
 * Text from uploads on a terminal: made harmless, measured in columns, cut and padded.
 *
 * W1. Control characters never reach a terminal: an upload's title could otherwise move its cursor or set its title.
 *     Direction overrides go too: they would reorder the rest of the row.
 * W2. Widths follow what terminals do: East Asian wide and emoji two columns, combining marks none.
 */
import { stripVTControlCharacters } from 'node:util';

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

const CONTROLS = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** East Asian Width W and F (Unicode 16), in the ranges that fonts fill. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;

/** One line without anything that a terminal would act on (W1). */
export function harmless(text: string): string {
  return stripVTControlCharacters(text.toWellFormed()).replace(CONTROLS, ' ').replace(/\s+/g, ' ').trim();
}

/** Columns that `text` takes; escape sequences of ours take none. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of segmenter.segment(stripVTControlCharacters(text)))
    width += graphemeWidth(segment);
  return width;
}

/** At most `columns` columns, with an ellipsis where something was cut. */
export function cutTo(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = width + graphemeWidth(segment);
    if (next > columns - 1) break;
    kept += segment;
    width = next;
  }
  return `${kept.trimEnd()}…`;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)));
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - textWidth(text))) + text;
}

function graphemeWidth(grapheme: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u.test(grapheme)) return 0;
  // A sequence with the emoji selector, a flag, a keycap or a joined family draws as one two-column picture.
  if (/\p{Emoji_Presentation}|\ufe0f|\p{Regional_Indicator}/u.test(grapheme)) return 2;
  // Half-width voicing marks join their letter and still take a column of their own.
  const marks = grapheme.length > 1 ? (grapheme.match(/[\uff9e\uff9f]/g)?.length ?? 0) : 0;
  return (WIDE.test(grapheme) ? 2 : 1) + marks;
}
