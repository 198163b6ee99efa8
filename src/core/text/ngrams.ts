/** Hash buckets of the n-grams of a field, in the order in which they occur. */
import { murmur3 } from './murmur3.ts';
import type { WordBuffer } from './word-buffer.ts';

/** `word`: runs of words joined by one space. `char`: code points of one word with a space on both sides. */
export interface NgramRule {
  readonly kind: 'word' | 'char';
  readonly low: number;
  readonly high: number;
  /** A power of two. */
  readonly buckets: number;
  readonly seed: number;
}

export type BucketVisitor = (bucket: number) => void;

export function visitNgrams(words: WordBuffer, rule: NgramRule, visit: BucketVisitor): void {
  if (rule.kind === 'word') visitWordNgrams(words, rule, visit);
  else visitCharNgrams(words, rule, visit);
}

function visitWordNgrams(words: WordBuffer, rule: NgramRule, visit: BucketVisitor): void {
  const mask = rule.buckets - 1;
  const { bytes, points, starts, ends } = words;
  for (let n = rule.low; n <= rule.high; n++) {
    for (let first = 0; first + n <= starts.length; first++) {
      const from = points[starts[first] ?? 0] ?? 0;
      const to = points[ends[first + n - 1] ?? 0] ?? 0;
      visit(murmur3(bytes, from, to, rule.seed) & mask);
    }
  }
}

function visitCharNgrams(words: WordBuffer, rule: NgramRule, visit: BucketVisitor): void {
  const mask = rule.buckets - 1;
  const { bytes, points, starts, ends } = words;
  for (let word = 0; word < starts.length; word++) {
    const first = (starts[word] ?? 0) - 1;
    const last = (ends[word] ?? 0) + 1;
    for (let n = rule.low; n <= rule.high; n++) {
      for (let i = first; i + n <= last; i++) {
        visit(murmur3(bytes, points[i] ?? 0, points[i + n] ?? 0, rule.seed) & mask);
      }
    }
  }
}
