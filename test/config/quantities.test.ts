import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, parseBytes, parseDuration } from '../../src/config/quantities.ts';

describe('durations', () => {
  it.each([
    ['200ms', 200],
    ['1.5s', 1_500],
    ['30m', 1_800_000],
    ['72h', 259_200_000],
    ['7d', 604_800_000],
    [' 5 s ', 5_000],
    ['0', 0],
  ])('reads %s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(['30', '', 's', '-1s', '1S', '1 week', '1e3s', 'NaN', '1toString', '99999999999d'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => parseDuration(formatDuration(ms)) === ms),
    );
  });

  it('writes the shortest exact form', () => {
    expect([86_400_000, 90_000, 1_500, 0].map(formatDuration)).toEqual(['1d', '90s', '1500ms', '0']);
  });
});

describe('sizes', () => {
  it('reads decimal and binary units', () => {
    expect(['512B', '64kB', '1.5MB', '256MiB', '2GiB'].map(parseBytes)).toEqual([
      512, 64_000, 1_500_000, 268_435_456, 2_147_483_648,
    ]);
  });

  it('refuses a bare number and an unknown unit', () => {
    expect(['64', '64mb', '64 m', 'MiB'].map(parseBytes)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (bytes) => parseBytes(formatBytes(bytes)) === bytes),
    );
  });
});
