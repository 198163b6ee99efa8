/**
 * Uncased WordPiece, as BERT models were trained with it (Devlin et al. 2019; Wu et al. 2016, arXiv 1609.08144, for the
 * greedy longest match): text to the ids of a vocabulary. Reference: the Rust `tokenizers` library, by way of Python.
 *
 * W1. Ids are the reference's for the same tokenizer.json (test/golden/brucelyu17), with `[CLS]` first and `[SEP]` last.
 * W2. Text is never markup: `[SEP]` that an uploader wrote is punctuation and letters, not the separator.
 * W3. Reading stops when `maxTokens` ids are there, so that a long text costs what a short one does.
 */
import { FirstFiveError } from '../errors.ts';
import { isBertIdeograph, isBertPunctuation, isDropped, isSpace } from './bert-characters.ts';
import type { WordPieceModel } from './word-piece-model.ts';

const NONSPACING_MARK = /\p{Mn}/u;
const ASCII_END = 0x80;

export class WordPiece {
  readonly #model: WordPieceModel;
  readonly #maxTokens: number;
  readonly #maxCharacters: number;

  /** `maxTokens` counts `[CLS]` and `[SEP]`. */
  constructor(model: WordPieceModel, maxTokens: number) {
    if (!Number.isInteger(maxTokens) || maxTokens < 3)
      throw new FirstFiveError('BUNDLE_INVALID', `a tokenizer needs room for 3 tokens, not ${maxTokens}`);
    this.#model = model;
    this.#maxTokens = maxTokens;
    this.#maxCharacters = model.maxCharactersPerWord;
  }

  /** Ids, at least two and at most `maxTokens`. */
  encode(text: string): Int32Array {
    const { start, end } = this.#model;
    const ids = [start];
    const limit = this.#maxTokens - 1;
    for (const word of bertWords(text, this.#maxCharacters)) {
      this.#append(word, ids);
      if (ids.length >= limit) break;
    }
    ids.length = Math.min(ids.length, limit);
    ids.push(end);
    return Int32Array.from(ids);
  }

  /** Greedy: the longest piece that is in the vocabulary, again and again; one piece that is not makes the word unknown. */
  #append(word: readonly string[], ids: number[]): void {
    const { vocabulary, prefix, unknown, longestPiece } = this.#model;
    const first = ids.length;
    for (let from = 0; from < word.length; ) {
      let to = Math.min(word.length, from + longestPiece);
      let id: number | undefined;
      for (; to > from; to--) {
        const piece = word.slice(from, to).join('');
        id = vocabulary.get(from === 0 ? piece : prefix + piece);
        if (id !== undefined) break;
      }
      if (id === undefined) {
        ids.length = first;
        ids.push(unknown);
        return;
      }
      ids.push(id);
      from = to;
    }
  }
}

/**
 * Words of BERT's basic tokenizer, as code points: parted at boundaries and around punctuation. A word over `maxCharacters` is given
 * as one character that no vocabulary holds.
 */
function* bertWords(text: string, maxCharacters: number): Generator<readonly string[]> {
  let word: string[] = [];
  for (const char of foldedCharacters(text)) {
    const parts = char === BOUNDARY || isBertPunctuation(char);
    if (!parts) {
      // Not kept beyond what decides that the word is too long.
      if (word.length <= maxCharacters) word.push(char);
      continue;
    }
    if (word.length > 0) yield word.length > maxCharacters ? TOO_LONG : word;
    word = [];
    if (char !== BOUNDARY) yield [char];
  }
  if (word.length > 0) yield word.length > maxCharacters ? TOO_LONG : word;
}

const BOUNDARY = '';

/** Cleaned, lower-cased, without accents; `BOUNDARY` for white space and around ideographs. */
function* foldedCharacters(text: string): Generator<string> {
  for (const raw of text) {
    const code = raw.codePointAt(0) ?? 0;
    if (isSpace(code)) yield BOUNDARY;
    else if (!isDropped(code)) {
      const alone = isBertIdeograph(code);
      if (alone) yield BOUNDARY;
      yield* foldCharacter(raw, code);
      if (alone) yield BOUNDARY;
    }
  }
}

const TOO_LONG: readonly string[] = ['\u0000'];

/**
 * Decomposed, without non-spacing marks, then lower case, character by character: final sigma is like any other. Marks
 * that decomposition would reorder are dropped anyway, so one character at a time is enough.
 */
function foldCharacter(raw: string, code: number): string {
  if (code < ASCII_END) return raw.toLowerCase();
  let folded = '';
  for (const part of raw.normalize('NFD')) {
    if (!NONSPACING_MARK.test(part)) folded += part.toLowerCase();
  }
  return folded;
}
