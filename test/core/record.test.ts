import { describe, expect, it } from 'vitest';
import { headerText, partitionKey, recordBytes } from '../../src/core/record.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('a record', () => {
  it('has one string form of its place', () => {
    expect(partitionKey({ topic: 'media.upload.created.v1', partition: 3 })).toBe(
      'media.upload.created.v1-3',
    );
  });

  it('gives the last of several headers of one name, and none for a name that it lacks', () => {
    const headers = [
      ['tier', bytes('0')],
      ['other', bytes('x')],
      ['tier', bytes('1')],
    ] as const;
    expect(headerText(headers, 'tier')).toBe('1');
    expect(headerText(headers, 'Tier')).toBeUndefined();
    expect(headerText([], 'tier')).toBeUndefined();
  });

  it('reads a header that is not UTF-8 without throwing', () => {
    expect(headerText([['name', Uint8Array.of(0xff, 0x41)]], 'name')).toBe('\ufffdA');
  });

  it('weighs key, value and headers, and what every record costs', () => {
    const empty = recordBytes({ key: null, value: null, headers: [] });
    expect(empty).toBeGreaterThan(0);
    const full = {
      key: bytes('k'),
      value: new Uint8Array(1_000),
      headers: [['name', bytes('12345')]] as const,
    };
    expect(recordBytes(full)).toBe(empty + 1 + 1_000 + 4 + 5);
  });
});
