import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { murmur3 } from '../../../src/core/text/murmur3.ts';
import { normaliseText, normaliseUploadText } from '../../../src/core/text/normalise.ts';
import { wordBuffer } from '../../../src/core/text/word-buffer.ts';

type Fields = Readonly<Record<string, string>>;
interface Golden {
  readonly cases: readonly {
    text: Fields;
    normal: Fields;
    words: Readonly<Record<string, readonly string[]>>;
  }[];
  readonly hashes: readonly { text: string; seed: number; hash: number }[];
}

const goldenFile = new URL('../../golden/starter/text-head.json', import.meta.url);
const golden = JSON.parse(readFileSync(goldenFile, 'utf8')) as Golden;

function wordsOf(folded: string): readonly string[] {
  const { bytes, points, starts, ends } = wordBuffer(folded);
  return Array.from(starts, (start, i) =>
    Buffer.from(bytes.slice(points[start], points[ends[i] ?? 0])).toString('utf8'),
  );
}

describe('normaliseText', () => {
  it.each(golden.cases)('agrees with the Python reference: $text', ({ text, normal }) => {
    expect(normaliseUploadText(text)).toEqual(normal);
  });

  it('spells emoji, drops skin tones and turns # into a space', () => {
    expect(normaliseText('#wow 👍🏽')).toBe(' wow  thumbs up ');
    expect(normaliseText('👩🏾‍🚀')).toBe(' woman astronaut ');
  });

  it('returns well-formed NFKC text without # for any input, lone surrogates included', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), (units) => {
        const normal = normaliseText(String.fromCharCode(...units));
        expect(normal.isWellFormed()).toBe(true);
        expect(normal.normalize('NFKC').replaceAll('#', ' ')).toBe(normal);
      }),
    );
  });

  it('cuts a run of combining marks at 30, so that hostile text stays linear', () => {
    const zalgo = `a${'\u0301\u0327'.repeat(50_000)}b`;
    expect(normaliseText(zalgo).length).toBeLessThan(40);
  });
});

describe('wordBuffer', () => {
  it.each(golden.cases)('finds the words that the Python reference finds: $text', ({ normal, words }) => {
    for (const [field, text] of Object.entries(normal))
      expect(wordsOf(text.toLowerCase())).toEqual(words[field]);
  });
});

describe('murmur3', () => {
  it.each(golden.hashes)(
    'gives the hash that scikit-learn gives for seed $seed: $hash',
    ({ text, seed, hash }) => {
      const bytes = new TextEncoder().encode(`__${text}__`);
      expect(murmur3(bytes, 2, bytes.length - 2, seed)).toBe(hash);
    },
  );
});
