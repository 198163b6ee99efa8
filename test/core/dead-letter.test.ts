import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEAD_LETTER_HEADERS,
  type DeadLetterCause,
  deadLetterRecord,
  parseDeadLetter,
} from '../../src/core/dead-letter.ts';
import { headerText, type StreamRecord } from '../../src/core/record.ts';

const cause: DeadLetterCause = {
  topic: 'media.upload.dead-letter.v1',
  stage: 'extract',
  code: 'MEDIA_CORRUPT',
  message: 'no frame could be decoded',
  attempts: 2,
  firstFailureAt: 1_700_000_000_000,
  lastFailureAt: 1_700_000_001_000,
};

const maybeBytes = fc.option(fc.uint8Array({ maxLength: 30 }));
const records: fc.Arbitrary<StreamRecord> = fc.record({
  topic: fc.constantFrom('media.upload.created.v1', 'a'),
  partition: fc.nat(100),
  offset: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  timestamp: fc.maxSafeNat(),
  key: maybeBytes,
  value: maybeBytes,
  headers: fc.array(fc.tuple(fc.string({ maxLength: 10 }), fc.uint8Array({ maxLength: 10 })), {
    maxLength: 4,
  }),
});

describe('dead letters', () => {
  it('keep the bytes of any record and give its origin and cause back', () => {
    fc.assert(
      fc.property(records, (record) => {
        const output = deadLetterRecord(record, cause);
        expect(output).toMatchObject({ topic: cause.topic, timestamp: cause.lastFailureAt });
        expect(output.key).toBe(record.key);
        expect(output.value).toBe(record.value);
        const { topic: _, ...rest } = cause;
        const stored = { ...output, partition: 0, offset: 5n };
        expect(parseDeadLetter(stored)).toEqual({ origin: record, ...rest });
      }),
    );
  });

  it('replace the provenance of an earlier failure', () => {
    const record: StreamRecord = {
      topic: 't',
      partition: 1,
      offset: 2n,
      timestamp: 3,
      key: null,
      value: null,
      headers: [],
    };
    const first = { ...deadLetterRecord(record, cause), partition: 0, offset: 9n };
    const again = deadLetterRecord({ ...record, headers: first.headers }, { ...cause, attempts: 7 });
    expect(again.headers).toHaveLength(Object.keys(DEAD_LETTER_HEADERS).length);
    expect(headerText(again.headers, DEAD_LETTER_HEADERS.attempts)).toBe('7');
  });

  it('tell records that are none', () => {
    const record: StreamRecord = {
      topic: 't',
      partition: 1,
      offset: 2n,
      timestamp: 3,
      key: null,
      value: null,
      headers: [],
    };
    expect(parseDeadLetter(record)).toBeUndefined();
  });
});
