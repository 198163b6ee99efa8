/**
 * What a backfill did, in a form that another run can be checked against.
 *
 * R1. Checksums do not depend on the order of rows: each is the sum, modulo 2^256, of the SHA-256 of every row (the additive
 *     multiset hash AdHash of Bellare and Micciancio, EUROCRYPT 1997). It finds accidents; it is no proof against somebody
 *     who picks rows to collide. Equal rows add up and do not cancel, as they would with exclusive or.
 * R2. Numbers enter rounded to the nearest multiple of `tolerance`. Rounding cannot be made safe at its borders: two numbers
 *     that differ by far less than the tolerance can lie on both sides of one. So equal checksums say that all rows agree to
 *     the tolerance, and different ones only that rows must be compared one by one, number by number (`backfill verify`).
 * R3. Clock and trace fields (`scoredAt`, `timings`, the ticket's expiry, `lane`) never enter.
 */
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './digest.ts';

/** The tolerance of design section 9, "same score". */
export const RECEIPT_TOLERANCE = 1e-5;

/** In the order of the flow: the first one that differs is where two runs part. */
export const RECEIPT_STAGES = ['extract', 'embed', 'score'] as const;
export type ReceiptStage = (typeof RECEIPT_STAGES)[number];

const count = z.number().int().min(0);
const checksum = z.strictObject({ rows: count, sum: z.string().regex(/^[0-9a-f]{64}$/) });

export const receiptSchema = z.strictObject({
  schemaVersion: z.literal(1),
  run: z.string(),
  /** Digest of the backfill's plan. */
  plan: z.string(),
  finishedAt: z.number(),
  input: z.strictObject({
    topic: z.string(),
    partitions: z.array(z.strictObject({ partition: count, start: z.string(), end: z.string() })),
    filter: z.record(z.string(), z.unknown()),
  }),
  /** What made the rows. Several of a kind when machines differed. */
  made: z.strictObject({
    bundle: z.string(),
    bundleDigest: z.string(),
    extractionPlanDigest: z.string(),
    calibrationDigest: z.string(),
    decoderBuilds: z.array(z.string()),
    executionProviders: z.array(z.string()),
  }),
  counts: z.strictObject({
    filtered: count,
    tombstones: count,
    scored: count,
    rejected: z.record(z.string(), count),
    superseded: count,
  }),
  /** Milliseconds with records in work, and records finished per second of it. */
  activeMs: z.number(),
  recordsPerSecond: z.number().nullable(),
  outputs: z.record(z.string(), z.string()),
  tolerance: z.number(),
  checksums: z.partialRecord(z.enum(RECEIPT_STAGES), checksum),
});

export type Receipt = Readonly<z.infer<typeof receiptSchema>>;
export type Checksum = Readonly<z.infer<typeof checksum>>;

const MODULUS = 1n << 256n;

/** R1. */
export class MultisetChecksum {
  #sum = 0n;
  #rows = 0;

  add(row: unknown): void {
    this.#sum = (this.#sum + BigInt(`0x${sha256Hex(canonicalJson(row))}`)) % MODULUS;
    this.#rows += 1;
  }

  get value(): Checksum {
    return { rows: this.#rows, sum: this.#sum.toString(16).padStart(64, '0') };
  }
}

/**
 * The number of the multiple that `value` is nearest to (R2), as text; `null` stays. Relative above 1: numbers in the
 * hundreds (a bit rate, a duration) have no five decimals of their own in float32.
 */
export function rounded(value: number | null, tolerance: number = RECEIPT_TOLERANCE): string | null {
  if (value === null) return null;
  const magnitude = Math.abs(value);
  const scale = magnitude <= 1 ? 1 : 2 ** Math.ceil(Math.log2(magnitude));
  return `${scale}:${Math.round(value / (tolerance * scale))}`;
}

/** Whether two numbers agree to the tolerance: absolute up to 1, relative above. */
export function agrees(a: number | null, b: number | null, tolerance: number = RECEIPT_TOLERANCE): boolean {
  if (a === null || b === null) return a === b;
  return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
}
