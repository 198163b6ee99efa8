import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coldStartPrior } from '../../../src/core/prior.ts';
import { explainScore, logit } from '../../../src/core/reasons.ts';
import { StackedHead } from '../../../src/core/text/stacked-head.ts';
import { parseStackedHeadParameters } from '../../../src/core/text/stacked-head-parameters.ts';
import { textHeadFile } from '../../support/text-head-file.ts';

const { file, blocks } = textHeadFile();
const rankTable = { z: [-3, 0, 3], rank: [0, 0.5, 1] };
const manifest = {
  kind: 'stacked-text',
  hash: 'murmur3-x86-32',
  blocks,
  members: [
    { name: 'trees', modality: 'text', feature: 'text.trees', parts: ['title', 'description'] },
    { name: 'trees', modality: 'caption', feature: 'caption.trees', parts: ['caption'] },
  ],
  combine: {
    text: { coefficients: { 'text:ngrams': 2, 'text:trees': 3 }, intercept: -1, rho: 0.25, rankTable },
    caption: {
      coefficients: { 'caption:ngrams': 1, 'caption:trees': 1 },
      intercept: 0,
      rho: 0.45,
      rankTable,
    },
    'text+caption': {
      coefficients: { 'text:ngrams': 1, 'text:trees': 1, 'caption:ngrams': 1, 'caption:trees': 2 },
      intercept: 0.5,
      rho: 0.4,
      rankTable,
    },
  },
};
const head = new StackedHead(file, parseStackedHeadParameters(manifest));
const textTrees = (...values: number[]) => ({ name: 'text.trees', values: Float32Array.from(values) });
const captionTrees = (...values: number[]) => ({ name: 'caption.trees', values: Float32Array.from(values) });

function changed(change: (copy: typeof manifest) => void): unknown {
  const copy = structuredClone(manifest);
  change(copy);
  return copy;
}

describe('the stacked head', () => {
  it('adds n-grams and graph scores, each with its weight', () => {
    const score = head.score({ text: { title: 'cat' }, embeddings: [textTrees(0.5, 0.25, 0.5, 0.25)] });
    // One word: its n-gram score is weight . v / |v| = .5.
    expect(score.z).toBeCloseTo(-1 + 2 * 0.5 + 3 * 0.5, 6);
    expect(score).toMatchObject({ present: ['text'], rho: 0.25 });
    expect(score.rank).toBeCloseTo(0.75, 6);
  });

  it('explains a graph’s score by what is lost without each field, and names what they say only together', () => {
    const score = head.score({
      text: { title: 'cat', description: 'dog' },
      embeddings: [textTrees(1, 0.75, 0.5, 0.125)],
    });
    const trees = score.contributions.filter((one) => one.feature.endsWith(':trees'));
    expect(trees).toEqual([
      { feature: 'title:trees', value: 3 * 0.25 },
      { feature: 'description:trees', value: 3 * 0.5 },
    ]);
    expect(score.interaction).toBeCloseTo(3 * (1 - 0.125 - 0.75), 9);
  });

  it('has no interaction where one field says it all', () => {
    const score = head.score({ text: { caption: 'dog' }, embeddings: [captionTrees(0.9, 0.25, 0.25)] });
    expect(score.interaction).toBe(0);
  });

  it('says rank .5 and rho 0 where no field holds a word, whatever the graphs say', () => {
    const score = head.score({ text: { title: '!!!' }, embeddings: [textTrees(9, 9, 9, 9)] });
    expect(score).toMatchObject({ present: [], z: 0, rank: 0.5, rho: 0, interaction: 0 });
  });

  it.each([
    ['is not there', []],
    ['is of another size', [textTrees(1, 2, 3)]],
  ])('refuses an upload whose feature %s, and does not score it by halves', (_what, embeddings) => {
    expect(() => head.score({ text: { title: 'cat' }, embeddings })).toThrow(
      expect.objectContaining({ code: 'ARTEFACT_MISSING', kind: 'terminal' }),
    );
  });

  it('gives reasons that add up to logit(ecr), with the interaction before the calibration', () => {
    const value = fc.float({ min: -2, max: 2, noNaN: true });
    const words = fc.constantFrom('', 'a cat', 'how to swim', '!');
    const assumptions = { meanEcr: 0.6, spread: 0.15 };
    fc.assert(
      fc.property(
        fc.record({ title: words, description: words, caption: words }),
        fc.array(value, { minLength: 7, maxLength: 7 }),
        (text, values) => {
          const embeddings = [textTrees(...values.slice(0, 4)), captionTrees(...values.slice(4))];
          const score = head.score({ text, embeddings });
          const { ecr } = coldStartPrior({ ...score, assumptions });
          const reasons = explainScore({ ...score, ecr, assumptions, topK: 3 });
          const sum = reasons.reduce((total, one) => total + one.contribution, 0);
          expect(Math.abs(sum - logit(ecr))).toBeLessThan(1e-9);
          if (score.present.length > 0)
            expect(reasons.slice(-2).map((one) => one.feature)).toEqual(['interaction', 'calibration']);
        },
      ),
    );
  });

  it.each([
    [
      'a weight is missing',
      changed(
        (copy) =>
          void delete (copy.combine.text.coefficients as object as { [key: string]: number })['text:trees'],
      ),
    ],
    [
      'a weight is for no member',
      changed((copy) => Object.assign(copy.combine.caption.coefficients, { 'caption:vision': 1 })),
    ],
    ['a member is named twice', changed((copy) => copy.members.push(...copy.members.slice(0, 1)))],
    ['the table does not rise', changed((copy) => void copy.combine.text.rankTable.rank.reverse())],
  ])('is refused when %s', (_what, parameters) => {
    expect(() => parseStackedHeadParameters(parameters)).toThrow(
      expect.objectContaining({ code: 'BUNDLE_INVALID' }),
    );
  });
});
