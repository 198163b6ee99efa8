import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { murmur2, partitionForKey, toPositive } from '../../src/core/murmur2.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('murmur2', () => {
  // Vectors of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('gives the hash of %s that Kafka gives', (text, hash) => {
    expect(murmur2(bytes(text))).toBe(hash);
  });

  it('hashes the bytes a, b, c as Kafka does', () => {
    expect(murmur2(bytes('abc'))).toBe(479470107);
  });

  it('equals the textbook form on 32-bit unsigned BigInts for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 67 }), (input) => {
        expect(murmur2(input) >>> 0).toBe(textbook(input));
      }),
    );
  });

  it('places every key inside the topic', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 1000 }), (key, partitions) => {
        const partition = partitionForKey(key, partitions);
        expect(partition).toBeGreaterThanOrEqual(0);
        expect(partition).toBeLessThan(partitions);
      }),
    );
  });

  it('clears the sign bit instead of negating', () => {
    expect(toPositive(-1)).toBe(0x7fffffff);
    expect(toPositive(-2147483648)).toBe(0);
  });
});

/** MurmurHash2 as published (smhasher), in BigInt arithmetic modulo 2^32. */
function textbook(input: Uint8Array): number {
  const mask = 0xffffffffn;
  const m = 0x5bd1e995n;
  let h = (0x9747b28cn ^ BigInt(input.length)) & mask;
  let at = 0;
  for (; input.length - at >= 4; at += 4) {
    let k = BigInt(new DataView(input.buffer, input.byteOffset + at, 4).getUint32(0, true));
    k = (k * m) & mask;
    k ^= k >> 24n;
    k = (k * m) & mask;
    h = ((h * m) & mask) ^ k;
  }
  const rest = input.subarray(at);
  if (rest.length > 0) {
    for (let i = rest.length - 1; i >= 0; i--) h ^= BigInt(rest[i] ?? 0) << BigInt(8 * i);
    h = (h * m) & mask;
  }
  h ^= h >> 13n;
  h = (h * m) & mask;
  return Number(h ^ (h >> 15n));
}
