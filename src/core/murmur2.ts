/**
 * Kafka's key hash: 32-bit MurmurHash2 (Austin Appleby) with seed 0x9747b28c, as `org.apache.kafka.common.utils.Utils.murmur2`
 * and librdkafka's `murmur2` partitioners compute it, so that a key lands on the same partition on every log.
 */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** Signed 32-bit hash of the bytes. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  let hash = SEED ^ length;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k =
      byte(bytes, i) | (byte(bytes, i + 1) << 8) | (byte(bytes, i + 2) << 16) | (byte(bytes, i + 3) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(k, M);
  }
  const rest = length & 3;
  if (rest === 3) hash ^= byte(bytes, whole + 2) << 16;
  if (rest >= 2) hash ^= byte(bytes, whole + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ byte(bytes, whole), M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}

/** Kafka's `toPositive`: clears the sign bit (not the absolute value). */
export function toPositive(hash: number): number {
  return hash & 0x7fffffff;
}

/** Partition of a key, in `[0, partitions)`. */
export function partitionForKey(key: Uint8Array, partitions: number): number {
  return toPositive(murmur2(key)) % partitions;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
