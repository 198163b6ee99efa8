/**
 * One block of the head: the n-grams of one kind of one modality. v[b] = (1 + ln count[b]) * idf[b], divided by the L2
 * norm of v; the block's score is weight . v. An instance reuses its count table and is not re-entrant.
 */
import { type NgramRule, visitNgrams } from './ngrams.ts';
import type { WordBuffer } from './word-buffer.ts';

export interface BlockTables {
  /** Both have `rule.buckets` values. */
  readonly idf: Float32Array;
  readonly weights: Float32Array;
}

/** Buckets kept between calls; a longer text gets a table of its own, which is not kept. */
const KEPT_OCCURRENCES = 16_384;

export class NgramBlock {
  readonly #rule: NgramRule;
  readonly #tables: BlockTables;
  readonly #counts: Uint32Array;
  /** Per bucket of the text at hand: what one occurrence adds to the score. */
  readonly #shares: Float64Array;
  #occurrences = new Int32Array(KEPT_OCCURRENCES);
  #size = 0;
  #norm = 1;

  constructor(rule: NgramRule, tables: BlockTables) {
    this.#rule = rule;
    this.#tables = tables;
    this.#counts = new Uint32Array(rule.buckets);
    this.#shares = new Float64Array(rule.buckets);
  }

  /** Score of each field; their sum is the block's. Fields share counts and norm: an n-gram in both counts twice. */
  score(fields: readonly WordBuffer[]): readonly number[] {
    const ends = fields.map((field) => {
      visitNgrams(field, this.#rule, this.#count);
      return this.#size;
    });
    this.#computeShares();
    const scores = ends.map((end, field) => this.#sum(ends[field - 1] ?? 0, end));
    this.#reset();
    return scores;
  }

  readonly #count = (bucket: number): void => {
    if (this.#size === this.#occurrences.length) {
      const larger = new Int32Array(this.#size * 2);
      larger.set(this.#occurrences);
      this.#occurrences = larger;
    }
    this.#occurrences[this.#size++] = bucket;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  };

  #computeShares(): void {
    let squares = 0;
    for (let i = 0; i < this.#size; i++) {
      const bucket = this.#occurrences[i] ?? 0;
      const count = this.#counts[bucket] ?? 1;
      const value = (1 + Math.log(count)) * (this.#tables.idf[bucket] ?? 0);
      // Each of the `count` occurrences of this bucket adds one count-th of value squared.
      squares += (value * value) / count;
      this.#shares[bucket] = (value * (this.#tables.weights[bucket] ?? 0)) / count;
    }
    this.#norm = squares > 0 ? Math.sqrt(squares) : 1;
  }

  #sum(start: number, end: number): number {
    let total = 0;
    for (let i = start; i < end; i++) total += this.#shares[this.#occurrences[i] ?? 0] ?? 0;
    return total / this.#norm;
  }

  #reset(): void {
    for (let i = 0; i < this.#size; i++) this.#counts[this.#occurrences[i] ?? 0] = 0;
    this.#size = 0;
    if (this.#occurrences.length > KEPT_OCCURRENCES) this.#occurrences = new Int32Array(KEPT_OCCURRENCES);
  }
}
