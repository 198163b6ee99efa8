/** SHA-256 identities of values: the same value gives the same digest on every machine and in every process. */
import { hash } from 'node:crypto';
import type { ExtractionPlan } from './extraction.ts';

/** Lower-case hex SHA-256 of bytes, or of a string's UTF-8. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

/**
 * JSON with keys sorted by code unit and no spaces (the shape of RFC 8785, numbers as ECMAScript prints them).
 * For plain JSON values; `undefined` members are left out.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    const record = part as Readonly<Record<string, unknown>>;
    return Object.fromEntries(
      Object.keys(record)
        .sort()
        .map((key) => [key, record[key]]),
    );
  });
}

/** Identity of what is asked of the media; the decoder's build is stated beside it. */
export function planDigest(plan: ExtractionPlan): string {
  return sha256Hex(canonicalJson(plan));
}
