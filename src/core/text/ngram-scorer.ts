/**
 * The n-gram blocks of a text head over one upload's text: which modalities are there, and what each field's n-grams of each kind say.
 * Specification: docs/specs/text-head.md, sections 2 to 4. Input is text as `normaliseUploadText` leaves it. Not re-entrant.
 */
import type { TextField } from '../bundle.ts';
import { FirstFiveError } from '../errors.ts';
import type { UploadText } from '../upload.ts';
import { decodeFloat16 } from './float16.ts';
import { NgramBlock } from './ngram-block.ts';
import { TEXT_MODALITIES, type TextHeadBlock, type TextModality } from './text-head-parameters.ts';
import { type WordBuffer, wordBuffer } from './word-buffer.ts';

const MAGIC = 0x48544646; // 'FFTH', little-endian
const VERSION = 1;
const HEADER_BYTES = 16;

export interface NgramPart {
  readonly modality: TextModality;
  readonly field: TextField;
  readonly kind: TextHeadBlock['kind'];
  /** The parts of a modality add up to its score. */
  readonly value: number;
}

export interface NgramScores {
  readonly present: readonly TextModality[];
  /** Of present modalities only. */
  readonly parts: readonly NgramPart[];
}

type FieldWords = Readonly<Record<TextField, WordBuffer>>;

export class NgramScorer {
  readonly #blocks: readonly (readonly [TextHeadBlock, NgramBlock])[];

  /** `BUNDLE_INVALID` where file and blocks do not fit. */
  constructor(file: Uint8Array, blocks: readonly TextHeadBlock[]) {
    checkHeader(file, blocks.length);
    this.#blocks = blocks.map((block) => [block, readBlock(file, block)]);
  }

  score(text: UploadText): NgramScores {
    const fields: FieldWords = {
      title: words(text.title),
      description: words(text.description),
      caption: words(text.caption),
    };
    const present = TEXT_MODALITIES.filter((modality) => this.#isPresent(modality, fields));
    const parts: NgramPart[] = [];
    for (const [block, ngrams] of this.#blocks) {
      if (!present.includes(block.modality)) continue;
      const scores = ngrams.score(block.fields.map((field) => fields[field]));
      block.fields.forEach((field, i) => {
        if (fields[field].starts.length === 0) return;
        parts.push({ modality: block.modality, field, kind: block.kind, value: scores[i] ?? 0 });
      });
    }
    return { present, parts };
  }

  #isPresent(modality: TextModality, fields: FieldWords): boolean {
    return this.#blocks.some(
      ([block]) =>
        block.modality === modality && block.fields.some((field) => fields[field].starts.length > 0),
    );
  }
}

function words(text: string | undefined): WordBuffer {
  return wordBuffer((text ?? '').toLowerCase());
}

function checkHeader(file: Uint8Array, blocks: number): void {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const header = file.byteLength < HEADER_BYTES ? [] : [0, 4, 8].map((at) => view.getUint32(at, true));
  if (header[0] !== MAGIC || header[1] !== VERSION || header[2] !== blocks) {
    throw new FirstFiveError(
      'BUNDLE_INVALID',
      `text head: expected an FFTH version ${VERSION} file of ${blocks} blocks`,
    );
  }
}

function readBlock(file: Uint8Array, block: TextHeadBlock): NgramBlock {
  const { offset, buckets } = block;
  if (offset + buckets * 4 > file.byteLength) {
    throw new FirstFiveError('BUNDLE_INVALID', `text head: the block at ${offset} ends beyond the file`);
  }
  const idf = decodeFloat16(file, offset, buckets);
  const weights = decodeFloat16(file, offset + buckets * 2, buckets);
  if (!idf.every(Number.isFinite) || !weights.every(Number.isFinite)) {
    throw new FirstFiveError(
      'BUNDLE_INVALID',
      `text head: the block at ${offset} holds a value that is not finite`,
    );
  }
  return new NgramBlock(block, { idf, weights });
}
