import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseManifest } from '../../../src/adapters/model-repository/manifest-schema.ts';

const text = readFileSync(new URL('../../../models/brucelyu17/1.0.0/bundle.json', import.meta.url), 'utf8');

/** The manifest with another value at a path of keys. */
function changed(path: string, value: unknown): string {
  const manifest: unknown = JSON.parse(text);
  const keys = path.split('/');
  const last = keys.pop() ?? '';
  const parent = keys.reduce((at, key) => (at as Record<string, unknown>)[key], manifest);
  Object.assign(parent as object, { [last]: value });
  return JSON.stringify(manifest);
}

describe('the manifest of a bundle that reads text', () => {
  it('is accepted as it ships', () => {
    expect(parseManifest(text, 'bundle.json').head.kind).toBe('stacked-text');
  });

  it.each([
    ['an unknown kind of tokenizer', 'tokenizers/minilm/kind', 'magic', /tokenizers\.minilm\.kind/],
    ['a tokenizer outside the folder', 'tokenizers/minilm/file', '../tokenizer.json', /plain path inside/],
    ['room for no token', 'tokenizers/minilm/maxTokens', 2, /maxTokens/],
    ['a tokenizer that is not there', 'graphs/sentence/text/tokenizer', 'clip', /no tokenizer clip/],
    ['lengths that do not rise', 'graphs/sentence/text/lengths', [64, 16, 256], /lengths: must rise/],
    [
      'lengths that end early',
      'graphs/sentence/text/lengths',
      [16, 128],
      /last length must be the tokenizer's 256/,
    ],
    ['tokens without a text', 'graphs/music/inputs/0/shape', ['n', 'tokens'], /only a graph that reads text/],
    ['an unknown reading', 'features/0/reading', 'comments', /features\.0\.reading/],
    ['an unknown pooling', 'features/0/pool', 'max', /features\.0\.pool/],
    ['occlusion of nothing', 'graphs/stack-text/occlusion', [], /occlusion/],
    [
      'rows that are not all kept',
      'graphs/stack-text/occlusion',
      [['title']],
      /trees\.text: .* is not of dim 4/,
    ],
    ['a member without its feature', 'head/members/0/feature', 'music', /music must be a feature of dim 4/],
    ['a member twice', 'head/members/1/modality', 'text', /named twice/],
    [
      'a weight for no member',
      'head/combine/text/coefficients',
      { 'text:ngrams': 1 },
      /members are text:ngrams, text:trees/,
    ],
    [
      'a correlation that is not the head’s',
      'prior/rho/caption',
      0.1,
      /prior\.rho\.caption is not the head's/,
    ],
  ])('is refused for %s', (_what, path, value, reason) => {
    expect(() => parseManifest(changed(path, value), 'bundle.json')).toThrow(
      expect.objectContaining({ code: 'BUNDLE_INVALID', message: expect.stringMatching(reason) }),
    );
  });
});
