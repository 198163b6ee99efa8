/**
 * The text head: hashed n-grams, linear weights, no transformer. Specification: docs/specs/text-head.md.
 *
 * T1. A modality is present where one of its fields holds a word; that it is present adds nothing to a score.
 * T2. z is standardised out of fold for each set of present modalities; `rank` is its percentile there, `rho` the
 *     cross-validated Spearman correlation of that set with the engagement label.
 * T3. `intercept` and the contributions add up to z.
 * T4. Input is text as `normaliseUploadText` leaves it. Time is linear in its length. Not re-entrant (no await inside).
 */
import { FirstFiveError } from '../errors.ts';
import type { HeadContribution } from '../reasons.ts';
import type { UploadText } from '../upload.ts';
import { decodeFloat16 } from './float16.ts';
import { NgramBlock } from './ngram-block.ts';
import {
  type PresentSet,
  type RankTable,
  TEXT_MODALITIES,
  type TextHeadBlock,
  type TextHeadParameters,
  type TextModality,
} from './text-head-parameters.ts';
import { type WordBuffer, wordBuffer } from './word-buffer.ts';

const MAGIC = 0x48544646; // 'FFTH', little-endian
const VERSION = 1;
const HEADER_BYTES = 16;
type TextField = TextHeadBlock['fields'][number];

export interface TextScore {
  readonly present: readonly TextModality[];
  /** Standardised score; 0 where nothing is present. */
  readonly z: number;
  /** Percentile of z, in [0, 1]; .5 where nothing is present. */
  readonly rank: number;
  readonly rho: number;
  readonly intercept: number;
  /** Features are `<field>:<n-gram kind>`, `title:word` say. */
  readonly contributions: readonly HeadContribution[];
}

const NOTHING: TextScore = { present: [], z: 0, rank: 0.5, rho: 0, intercept: 0, contributions: [] };

export class TextHead {
  readonly #parameters: TextHeadParameters;
  readonly #blocks: readonly NgramBlock[];

  /** @throws FirstFiveError BUNDLE_INVALID where file and parameters do not fit. */
  constructor(file: Uint8Array, parameters: TextHeadParameters) {
    checkHeader(file, parameters.blocks.length);
    this.#parameters = parameters;
    this.#blocks = parameters.blocks.map((block) => readBlock(file, block));
  }

  score(text: UploadText): TextScore {
    const buffers = {
      title: words(text.title),
      description: words(text.description),
      caption: words(text.caption),
    };
    const present = TEXT_MODALITIES.filter((modality) => this.#isPresent(modality, buffers));
    if (present.length === 0) return NOTHING;
    const { coefficients, intercept, rho, rankTable } =
      this.#parameters.combine[present.join('+') as PresentSet];
    const contributions: HeadContribution[] = [];
    let z = intercept;
    this.#parameters.blocks.forEach((block, i) => {
      if (!present.includes(block.modality)) return;
      const scores = this.#blocks[i]?.score(block.fields.map((field) => buffers[field])) ?? [];
      block.fields.forEach((field, j) => {
        if (buffers[field].starts.length === 0) return;
        const value = (coefficients[block.modality] ?? 0) * (scores[j] ?? 0);
        contributions.push({ feature: `${field}:${block.kind}`, value });
        z += value;
      });
    });
    return { present, z, rank: rankOf(z, rankTable), rho, intercept, contributions };
  }

  #isPresent(modality: TextModality, buffers: Readonly<Record<TextField, WordBuffer>>): boolean {
    return this.#parameters.blocks.some(
      (block) =>
        block.modality === modality && block.fields.some((field) => buffers[field].starts.length > 0),
    );
  }
}

/** Piecewise-linear between the knots, clamped outside them. */
export function rankOf(z: number, table: RankTable): number {
  const last = table.z.length - 1;
  if (z <= (table.z[0] ?? 0)) return table.rank[0] ?? 0;
  if (z >= (table.z[last] ?? 0)) return table.rank[last] ?? 1;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((table.z[middle] ?? 0) <= z) low = middle;
    else high = middle;
  }
  const [z0, z1] = [table.z[low] ?? 0, table.z[high] ?? 0];
  const [r0, r1] = [table.rank[low] ?? 0, table.rank[high] ?? 0];
  return r0 + ((r1 - r0) * (z - z0)) / (z1 - z0);
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
