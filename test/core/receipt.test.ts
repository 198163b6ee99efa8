import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agrees,
  MultisetChecksum,
  RECEIPT_TOLERANCE,
  type Receipt,
  rounded,
} from '../../src/core/receipt.ts';
import { checkReceipt, openStages, type RowComparison } from '../../src/core/receipt-check.ts';
import { embedRow, extractRow, roundedRow, rowDifference, scoreRow } from '../../src/core/receipt-rows.ts';
import { features, score } from '../adapters/schemas/samples.ts';

const sumOf = (rows: readonly unknown[]) => {
  const checksum = new MultisetChecksum();
  for (const row of rows) checksum.add(row);
  return checksum.value;
};

describe('MultisetChecksum', () => {
  it('does not depend on the order of rows', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.infiniteStream(fc.nat()), (rows, keys) => {
        const shuffled = rows
          .map((row) => ({ row, key: keys.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ row }) => row);
        expect(sumOf(shuffled)).toEqual(sumOf(rows));
      }),
    );
  });

  it('sees a row that is lost, doubled or changed', () => {
    const rows = ['a', 'b', 'c'];
    const known = sumOf(rows).sum;
    expect(sumOf(['a', 'b']).sum).not.toBe(known);
    expect(sumOf(['a', 'b', 'd']).sum).not.toBe(known);
    // Exclusive or would call these two equal.
    expect(sumOf([...rows, 'b', 'b']).sum).not.toBe(known);
  });
});

describe('rounding', () => {
  it('gives one text to numbers that are the same, and another to those that differ by more than the tolerance', () => {
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
    fc.assert(
      fc.property(numbers, fc.double({ min: 1.01, max: 1e4, noNaN: true }), (value, factor) => {
        expect(rounded(value)).toBe(rounded(value));
        const other = value + 2 * factor * RECEIPT_TOLERANCE * Math.max(1, Math.abs(value));
        expect(rounded(other)).not.toBe(rounded(value));
        expect(agrees(value, other)).toBe(false);
      }),
    );
  });

  it('can part two numbers that agree, at a border: that is why rows are compared', () => {
    const border = 0.5 * RECEIPT_TOLERANCE;
    const [below, above] = [border - 1e-12, border + 1e-12];
    expect(agrees(below, above)).toBe(true);
    expect(rounded(below)).not.toBe(rounded(above));
  });
});

describe('rows of a receipt', () => {
  it('leave out clock and trace fields', () => {
    const later = { ...score, scoredAt: 1, lane: 'live' as const, timings: { score: 9 } };
    const ticket = { ...score.ticket, expiresAt: 5 };
    expect(roundedRow(scoreRow({ ...later, ticket }))).toEqual(roundedRow(scoreRow(score)));
    const { producer } = features;
    const elsewhere = { ...features, timings: {}, producer: { ...producer, executionProvider: 'cuda' } };
    expect(roundedRow(embedRow(elsewhere))).toEqual(roundedRow(embedRow(features)));
  });

  it('attribute a change to the stage in which it arises', () => {
    const rows = (value: typeof features) => [extractRow(value), embedRow(value)].map(roundedRow);
    const [extract, embed] = rows(features);
    const darker = { ...features, signals: { ...features.signals, brightness: 0.4 } };
    expect(rows(darker)[0]).not.toEqual(extract);
    expect(rows(darker)[1]).toEqual(embed);
    const values = Float32Array.from([0.25, -1.4, 3e-8]);
    const [vision, ...others] = features.embeddings;
    const otherwise = {
      ...features,
      embeddings: vision === undefined ? others : [{ ...vision, values }, ...others],
    };
    expect(rows(otherwise)[0]).toEqual(extract);
    expect(rows(otherwise)[1]).not.toEqual(embed);
  });

  it('differ by more than the tolerance, or in what must be exact', () => {
    const row = scoreRow(score);
    expect(rowDifference(row, scoreRow({ ...score, ecr: score.ecr + 9e-6 }))).toMatchObject({
      differs: false,
    });
    expect(rowDifference(row, scoreRow({ ...score, ecr: score.ecr + 2e-5 })).differs).toBe(true);
    expect(rowDifference(row, scoreRow({ ...score, scoreId: 'other' })).differs).toBe(true);
    const probe = { ...features.probe, durationMs: (features.probe.durationMs ?? 0) + 1 };
    expect(rowDifference(extractRow(features), extractRow({ ...features, probe })).differs).toBe(true);
  });
});

const receipt: Receipt = {
  schemaVersion: 1,
  run: 'a',
  plan: 'p',
  finishedAt: 1,
  input: { topic: 't', partitions: [{ partition: 0, start: '0', end: '9' }], filter: {} },
  made: {
    bundle: 'b@1',
    bundleDigest: 'd',
    extractionPlanDigest: 'e',
    calibrationDigest: 'c',
    decoderBuilds: ['x'],
    executionProviders: ['cpu'],
  },
  counts: { filtered: 0, tombstones: 0, scored: 1, rejected: {}, superseded: 0 },
  activeMs: 1,
  recordsPerSecond: 1,
  outputs: {},
  tolerance: RECEIPT_TOLERANCE,
  checksums: { extract: sumOf(['1']), embed: sumOf(['2']), score: sumOf(['3']) },
};
const equalRows: RowComparison = {
  compared: 1,
  differing: 0,
  onlyReference: 0,
  onlyRun: 0,
  most: 1e-9,
  examples: [],
};

describe('checkReceipt', () => {
  it('agrees with itself, whenever and in however long it was made', () => {
    const later = { ...receipt, run: 'b', finishedAt: 2, activeMs: 5, recordsPerSecond: null };
    expect(checkReceipt(receipt, later, new Map())).toMatchObject({ ok: true, firstDiverged: null });
  });

  it('names the first stage that differs, and the reason where there is one', () => {
    const made = { ...receipt.made, decoderBuilds: ['y'] };
    const checksums = { extract: sumOf(['1']), embed: sumOf(['x']), score: sumOf(['y']) };
    const other = { ...receipt, made, checksums };
    expect(openStages(receipt, other)).toEqual(['embed', 'score']);
    const rows = new Map([['embed' as const, { ...equalRows, differing: 1 }]]);
    expect(checkReceipt(receipt, other, rows)).toMatchObject({
      ok: false,
      firstDiverged: 'embed',
      made: ['decoderBuilds'],
      stages: [{ verdict: 'same' }, { verdict: 'diverged' }, { verdict: 'unknown' }],
    });
  });

  it('takes rows that agree to the tolerance for the same, whatever their checksums say', () => {
    const other = { ...receipt, checksums: { ...receipt.checksums, score: sumOf(['4']) } };
    expect(checkReceipt(receipt, other, new Map([['score', equalRows]]))).toMatchObject({ ok: true });
    expect(checkReceipt(receipt, other, new Map())).toMatchObject({ ok: false, firstDiverged: 'score' });
  });

  it('does not agree on other inputs or other counts', () => {
    const input = { ...receipt.input, filter: { keys: ['a'] } };
    expect(checkReceipt(receipt, { ...receipt, input }, new Map())).toMatchObject({
      ok: false,
      input: ['filter'],
    });
    const counts = { ...receipt.counts, superseded: 1 };
    expect(checkReceipt(receipt, { ...receipt, counts }, new Map())).toMatchObject({
      ok: false,
      counts: ['superseded'],
    });
  });
});
