/** `tokenizer.json` of an uncased WordPiece model, parsed; any other kind of tokenizer is refused by name. */
import { z } from 'zod';
import { FirstFiveError } from '../errors.ts';

export interface WordPieceModel {
  readonly vocabulary: ReadonlyMap<string, number>;
  /** What a piece inside a word starts with, `##`. */
  readonly prefix: string;
  readonly maxCharactersPerWord: number;
  /** Code points of the vocabulary's longest piece: nothing longer need be looked up. */
  readonly longestPiece: number;
  readonly unknown: number;
  /** `[CLS]`, `[SEP]`, `[PAD]`. */
  readonly start: number;
  readonly end: number;
  readonly padding: number;
}

/** Only what the code computes is accepted; what it leaves out (truncation, padding, decoder) is the bundle's business. */
const tokenizerJson = z.object({
  normalizer: z.object({
    type: z.literal('BertNormalizer'),
    clean_text: z.literal(true),
    handle_chinese_chars: z.literal(true),
    strip_accents: z.union([z.null(), z.literal(true)]),
    lowercase: z.literal(true),
  }),
  pre_tokenizer: z.object({ type: z.literal('BertPreTokenizer') }),
  model: z.object({
    type: z.literal('WordPiece').optional(),
    unk_token: z.string(),
    continuing_subword_prefix: z.string(),
    max_input_chars_per_word: z.int().min(1).max(1_000),
    vocab: z.record(z.string(), z.int().min(0).max(0x7fffffff)),
  }),
});

/** `BUNDLE_INVALID` names the first field that is not of this kind. */
export function parseWordPieceModel(text: string): WordPieceModel {
  const parsed = tokenizerJson.safeParse(parseJson(text));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new FirstFiveError('BUNDLE_INVALID', `tokenizer: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { model } = parsed.data;
  const vocabulary = new Map(Object.entries(model.vocab));
  const idOf = (token: string): number => {
    const id = vocabulary.get(token);
    if (id === undefined)
      throw new FirstFiveError('BUNDLE_INVALID', `tokenizer: the vocabulary has no ${token}`);
    return id;
  };
  return {
    vocabulary,
    prefix: model.continuing_subword_prefix,
    maxCharactersPerWord: model.max_input_chars_per_word,
    longestPiece: longest(vocabulary.keys()),
    unknown: idOf(model.unk_token),
    start: idOf('[CLS]'),
    end: idOf('[SEP]'),
    padding: idOf('[PAD]'),
  };
}

function longest(pieces: Iterable<string>): number {
  let most = 1;
  for (const piece of pieces) most = Math.max(most, [...piece].length);
  return most;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new FirstFiveError('BUNDLE_INVALID', `tokenizer: not JSON: ${String(thrown)}`, { cause: thrown });
  }
}
