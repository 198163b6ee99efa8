import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerText, type StreamRecord } from '../../src/core/record.ts';
import { notBefore, parseParked, RETRY_HEADERS, retryRecord } from '../../src/core/retry-record.ts';

const CAUSE = {
  topic: 'uploads.retry.30s',
  tier: 1,
  delayMs: 30_000,
  code: 'MEDIA_CHANGED',
  attempts: 5,
  firstFailureAt: 1_000,
  lastFailureAt: 9_000,
} as const;

const bytes = fc.uint8Array({ maxLength: 40 });
const records: fc.Arbitrary<StreamRecord> = fc.record({
  topic: fc.constantFrom('uploads', 'other'),
  partition: fc.nat(20),
  offset: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.tuple(fc.constantFrom('own', 'traceparent', 'ff-source'), bytes), { maxLength: 4 }),
});

/** As the log gives it back. */
function stored(record: StreamRecord): StreamRecord {
  return { partition: -1, ...retryRecord(record, CAUSE), offset: 77n };
}

describe('retryRecord', () => {
  it('keeps the record as it was, and what has happened to it, in the same partition', () => {
    fc.assert(
      fc.property(records, (record) => {
        const parked = stored(record);
        expect(parked).toMatchObject({ topic: CAUSE.topic, partition: record.partition, timestamp: 9_000 });
        expect(parked.key).toBe(record.key);
        expect(parked.value).toBe(record.value);
        expect(parseParked(parked)).toEqual({ origin: record, attempts: 5, firstFailureAt: 1_000 });
        expect(notBefore(parked)).toBe(39_000);
      }),
    );
  });

  it('names the origin, not the retry topic before, however many tiers it passes', () => {
    fc.assert(
      fc.property(records, (record) => {
        const origin = parseParked(stored(record))?.origin;
        if (origin === undefined) return expect.unreachable();
        const second = stored(origin);
        expect(parseParked(second)?.origin).toEqual(record);
        const ours = second.headers.filter(([name]) => Object.values<string>(RETRY_HEADERS).includes(name));
        expect(ours).toHaveLength(Object.keys(RETRY_HEADERS).length);
        expect(headerText(second.headers, RETRY_HEADERS.code)).toBe('MEDIA_CHANGED');
      }),
    );
  });

  it.each(['topic', 'partition', 'offset', 'timestamp', 'attempts', 'firstFailureAt'] as const)(
    'is not ours when the header for %s is missing or no number',
    (field) => {
      const record = fc.sample(records, { numRuns: 1, seed: 1 })[0];
      if (record === undefined) return expect.unreachable();
      const parked = stored(record);
      const without = parked.headers.filter(([name]) => name !== RETRY_HEADERS[field]);
      expect(parseParked({ ...parked, headers: without })).toBeUndefined();
      if (field === 'topic') return;
      const wrong = [...without, [RETRY_HEADERS[field], new TextEncoder().encode('1e3x')] as const];
      expect(parseParked({ ...parked, headers: wrong })).toBeUndefined();
    },
  );

  it('is due at once when nothing says when', () => {
    expect(notBefore({ headers: [] })).toBe(0);
    expect(notBefore({ headers: [[RETRY_HEADERS.notBefore, new TextEncoder().encode('soon')]] })).toBe(0);
  });
});
