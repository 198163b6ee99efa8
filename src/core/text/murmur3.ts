/**
 * MurmurHash3 x86 32-bit over a slice of bytes (A. Appleby, public domain; the variant of scikit-learn's
 * `murmurhash3_32`). Returns an unsigned 32-bit integer.
 */
export function murmur3(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const tail = start + ((end - start) & ~3);
  let h = seed | 0;
  for (let i = start; i < tail; i += 4) {
    h ^= scramble(
      byteAt(bytes, i) |
        (byteAt(bytes, i + 1) << 8) |
        (byteAt(bytes, i + 2) << 16) |
        (byteAt(bytes, i + 3) << 24),
    );
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let i = end - 1; i >= tail; i--) rest = (rest << 8) | byteAt(bytes, i);
  if (tail < end) h ^= scramble(rest);
  return finalise(h ^ (end - start));
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

function scramble(word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function finalise(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
