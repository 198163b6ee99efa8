import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WordPiece } from '../../../src/core/text/word-piece.ts';
import { parseWordPieceModel } from '../../../src/core/text/word-piece-model.ts';

type Pieces = readonly (readonly [string, number])[];

const golden = JSON.parse(
  readFileSync(new URL('../../golden/brucelyu17/word-piece.json', import.meta.url), 'utf8'),
) as {
  readonly maxTokens: number;
  readonly cases: readonly { readonly text: Pieces; readonly ids: readonly number[] }[];
};
const json = readFileSync(
  new URL('../../../models/brucelyu17/1.0.0/tokenizer.json', import.meta.url),
  'utf8',
);
const model = parseWordPieceModel(json);
const tokenizer = new WordPiece(model, golden.maxTokens);

const textOf = (pieces: Pieces): string => pieces.map(([piece, times]) => piece.repeat(times)).join('');

function changed(change: (json: Record<string, Record<string, unknown>>) => void): string {
  const copy = JSON.parse(json) as Record<string, Record<string, unknown>>;
  change(copy);
  return JSON.stringify(copy);
}

describe('WordPiece', () => {
  it.each(golden.cases.map((one, i) => ({ ...one, i })))(
    'gives the ids of the Rust library: text $i',
    ({ text, ids }) => {
      expect([...tokenizer.encode(textOf(text))]).toEqual(ids);
    },
  );

  it('gives from 2 to maxTokens ids of the vocabulary for any text, and the same when asked again', () => {
    const small = new WordPiece(model, 8);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const ids = small.encode(text);
        expect(ids.length).toBeGreaterThanOrEqual(2);
        expect(ids.length).toBeLessThanOrEqual(8);
        expect(ids[0]).toBe(model.start);
        expect(ids.at(-1)).toBe(model.end);
        expect(ids.every((id) => id >= 0 && id < model.vocabulary.size)).toBe(true);
        expect(small.encode(text)).toEqual(ids);
      }),
    );
  });

  it('cuts a long text to what its beginning gives', () => {
    const text = 'how to make a pancake in five minutes '.repeat(40);
    const all = new WordPiece(model, 4_096).encode(text);
    expect([...tokenizer.encode(text)]).toEqual([...all.slice(0, 255), model.end]);
  });

  it('reads no further than it must', () => {
    let read = 0;
    const text = 'a cat '.repeat(100_000);
    const counting = {
      *[Symbol.iterator]() {
        for (const char of text) {
          read++;
          yield char;
        }
      },
    };
    expect(tokenizer.encode(counting as unknown as string).length).toBe(256);
    expect(read).toBeLessThan(2_000);
  });

  it('takes special tokens in a text for text', () => {
    const ids = [...tokenizer.encode('[SEP] [PAD]')];
    expect(ids.filter((id) => id === model.end)).toHaveLength(1);
    expect(ids).not.toContain(model.padding);
  });
});

describe('tokenizer.json', () => {
  it.each([
    ['another model', changed((one) => Object.assign(one.model ?? {}, { type: 'BPE' })), 'model.type'],
    [
      'a cased model',
      changed((one) => Object.assign(one.normalizer ?? {}, { lowercase: false })),
      'lowercase',
    ],
    [
      'another pre-tokenizer',
      changed((one) => Object.assign(one.pre_tokenizer ?? {}, { type: 'X' })),
      'pre_tokenizer',
    ],
    [
      'a vocabulary without [SEP]',
      changed((one) => Object.assign(one.model ?? {}, { vocab: { '[CLS]': 0, '[UNK]': 1 } })),
      'no [SEP]',
    ],
    ['no JSON', '{"model":', 'not JSON'],
  ])('is refused when it is %s', (_what, text, reason) => {
    expect(() => parseWordPieceModel(text)).toThrow(reason);
  });

  it('leaves room for at least one token', () => {
    expect(() => new WordPiece(model, 2)).toThrow('room for 3');
  });
});
