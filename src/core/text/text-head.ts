/**
 * The text head: hashed n-grams, linear weights, no transformer. Specification: docs/specs/text-head.md.
 *
 * T1. A modality is present where one of its fields holds a word; that it is present adds nothing to a score.
 * T2. z is standardised out of fold for each set of present modalities; `rank` is its percentile there, `rho` the
 *     cross-validated Spearman correlation of that set with the engagement label.
 * T3. `intercept` and the contributions add up to z.
 * T4. Input is text as `normaliseUploadText` leaves it. Time is linear in its length. Not re-entrant (no await inside).
 */
import type { HeadContribution } from '../reasons.ts';
import type { UploadText } from '../upload.ts';
import { NgramScorer } from './ngram-scorer.ts';
import { rankOf } from './rank-table.ts';
import type { PresentSet, TextHeadParameters, TextModality } from './text-head-parameters.ts';

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
  readonly #ngrams: NgramScorer;

  /** @throws FirstFiveError BUNDLE_INVALID where file and parameters do not fit. */
  constructor(file: Uint8Array, parameters: TextHeadParameters) {
    this.#parameters = parameters;
    this.#ngrams = new NgramScorer(file, parameters.blocks);
  }

  score(text: UploadText): TextScore {
    const { present, parts } = this.#ngrams.score(text);
    if (present.length === 0) return NOTHING;
    const { coefficients, intercept, rho, rankTable } =
      this.#parameters.combine[present.join('+') as PresentSet];
    const contributions: HeadContribution[] = [];
    let z = intercept;
    for (const part of parts) {
      const value = (coefficients[part.modality] ?? 0) * part.value;
      contributions.push({ feature: `${part.field}:${part.kind}`, value });
      z += value;
    }
    return { present, z, rank: rankOf(z, rankTable), rho, intercept, contributions };
  }
}
