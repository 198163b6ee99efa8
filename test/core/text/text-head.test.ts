import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { normaliseUploadText } from '../../../src/core/text/normalise.ts';
import { rankOf } from '../../../src/core/text/rank-table.ts';
import { TextHead } from '../../../src/core/text/text-head.ts';
import { parseTextHeadParameters } from '../../../src/core/text/text-head-parameters.ts';
import type { UploadText } from '../../../src/core/upload.ts';

interface HeadCase {
  readonly text: UploadText;
  readonly present: readonly string[];
  readonly z: number;
  readonly rank: number;
  readonly rho: number;
}

const bundleFolder = new URL('../../../models/starter/1.0.0/', import.meta.url);
const goldenFile = new URL('../../golden/starter/text-head.json', import.meta.url);
const file = new Uint8Array(readFileSync(new URL('text-head.bin', bundleFolder)));
const bundle = JSON.parse(readFileSync(new URL('bundle.json', bundleFolder), 'utf8')) as { head: unknown };
const { cases } = JSON.parse(readFileSync(goldenFile, 'utf8')) as { cases: readonly HeadCase[] };
const parameters = parseTextHeadParameters(bundle.head);
const head = new TextHead(file, parameters);

describe('TextHead', () => {
  it.each(cases)('scores as the Python reference does: $text', ({ text, ...expected }) => {
    const score = head.score(normaliseUploadText(text));
    expect(score.present).toEqual(expected.present);
    expect(score.z).toBeCloseTo(expected.z, 6);
    expect(score.rank).toBeCloseTo(expected.rank, 6);
    expect(score.rho).toBe(expected.rho);
  });

  it('adds up: intercept and contributions are z', () => {
    for (const { text } of cases) {
      const score = head.score(normaliseUploadText(text));
      const sum = score.contributions.reduce((total, c) => total + c.value, score.intercept);
      expect(sum).toBeCloseTo(score.z, 9);
    }
  });

  it('keeps nothing of one text for the next', () => {
    const long = { title: 'long '.repeat(20_000), caption: 'words without end '.repeat(5_000) };
    const before = cases.map(({ text }) => head.score(normaliseUploadText(text)));
    head.score(long);
    expect(cases.map(({ text }) => head.score(normaliseUploadText(text)))).toEqual(before);
  });

  it('says rank .5 and rho 0 where no field holds a word', () => {
    for (const text of [{}, { title: '' }, { title: '!!!', description: ' \n' }, { caption: '—' }]) {
      expect(head.score(text)).toMatchObject({ present: [], z: 0, rank: 0.5, rho: 0, contributions: [] });
    }
  });

  it('is unmoved by a field that is there and empty', () => {
    const title = 'my dog learned to skate';
    expect(head.score({ title, description: '', caption: '' })).toEqual(head.score({ title }));
    expect(head.score({ description: title }).z).toBeCloseTo(head.score({ title }).z, 12);
  });

  it('gives a finite score and a rank in [0, 1] for any text', () => {
    const texts = fc.record(
      {
        title: fc.string({ unit: 'binary' }),
        description: fc.string(),
        caption: fc.string({ unit: 'grapheme' }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(texts, (text) => {
        const score = head.score(normaliseUploadText(text));
        expect(Number.isFinite(score.z)).toBe(true);
        expect(score.rank).toBeGreaterThanOrEqual(0);
        expect(score.rank).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('refuses a file that is not the one the parameters describe', () => {
    const wrongMagic = Uint8Array.from(file);
    wrongMagic[0] = 0;
    const notFinite = Uint8Array.from(file);
    notFinite.set([0x00, 0x7c], 16);
    for (const bytes of [new Uint8Array(3), wrongMagic, file.subarray(0, file.length - 2), notFinite]) {
      expect(() => new TextHead(bytes, parameters)).toThrow(FirstFiveError);
    }
  });
});

describe('parseTextHeadParameters', () => {
  it.each([
    [{ kind: 'other' }, 'head.kind'],
    [{ blocks: [{ ...parameters.blocks[0], buckets: 1000 }] }, 'head.blocks.0.buckets'],
    [
      { combine: { ...parameters.combine, text: { ...parameters.combine.text, rho: 1 } } },
      'head.combine.text.rho',
    ],
    [{ blocks: [] }, 'head.blocks'],
  ])('names the wrong field of %j', (change, field) => {
    expect(() => parseTextHeadParameters({ ...parameters, ...change })).toThrow(field);
  });
});

describe('rankOf', () => {
  const table = { z: [-1, 0, 2], rank: [0, 0.5, 1] };

  it('is linear between knots and clamped outside them', () => {
    expect([-5, -1, -0.5, 0, 1, 2, 9].map((z) => rankOf(z, table))).toEqual([0, 0, 0.25, 0.5, 0.75, 1, 1]);
  });

  it('never falls when z rises', () => {
    const z = fc.double({ min: -6, max: 6, noNaN: true });
    fc.assert(
      fc.property(z, z, (a, b) => {
        const ranks = [Math.min(a, b), Math.max(a, b)].map((x) =>
          rankOf(x, parameters.combine.text.rankTable),
        );
        expect(ranks[0]).toBeLessThanOrEqual(ranks[1] ?? -1);
      }),
    );
  });
});
