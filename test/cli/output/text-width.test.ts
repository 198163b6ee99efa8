import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutTo, harmless, padEnd, padStart, textWidth } from '../../../src/cli/output/text-width.ts';

describe('textWidth', () => {
  it.each([
    ['abc', 3],
    ['日本語', 6],
    ['ｱ', 1],
    ['ﾊﾟ', 2],
    ['한국어', 6],
    ['e\u0301', 1],
    ['👨‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['❤️', 2],
    ['é', 1],
    ['ا', 1],
    ['\u200b', 0],
    ['\x1b[31mred\x1b[39m', 3],
    ['', 0],
  ])('of %j is %i', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });
});

describe('cutTo and padding', () => {
  it('cut between characters, never inside one', () => {
    expect(cutTo('日本語です', 6)).toBe('日本…');
    expect(cutTo('👨‍👩‍👧👨‍👩‍👧', 3)).toBe('👨‍👩‍👧…');
    expect(cutTo('abc', 3)).toBe('abc');
  });

  it('fill to exactly the width asked for', () => {
    expect([padEnd('日', 4), padStart('日', 4), padEnd('long', 2)]).toEqual(['日  ', '  日', 'long']);
  });

  it('never exceed the width', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, columns) => {
        expect(textWidth(cutTo(harmless(text), columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

describe('harmless', () => {
  it('removes what a terminal would act on', () => {
    expect(harmless('a\x1b[31mb\x1b]0;title\x07c\x9b2Jd\re\nf\x00')).toBe('abcd e f');
    expect(harmless('abc\u202edef')).toBe('abc def');
    expect(harmless('lone \ud800 half')).toBe('lone \ufffd half');
  });

  it('leaves no control character of any input', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(harmless(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });
});
