/** The `head` part of a bundle whose kind is `hashed-ngram-linear`, parsed and cross-checked. */
import { z } from 'zod';
import { FirstFiveError } from '../errors.ts';

export const TEXT_MODALITIES = ['text', 'caption'] as const;
export type TextModality = (typeof TEXT_MODALITIES)[number];

/** Present modalities as one key. `none` needs no parameters: nothing is known, so rank .5 and rho 0. */
export const PRESENT_SETS = ['text', 'caption', 'text+caption'] as const;
export type PresentSet = (typeof PRESENT_SETS)[number];

const block = z.object({
  modality: z.enum(TEXT_MODALITIES),
  fields: z.array(z.enum(['title', 'description', 'caption'])).min(1),
  kind: z.enum(['word', 'char']),
  low: z.int().min(1).max(8),
  high: z.int().min(1).max(8),
  buckets: z
    .int()
    .min(2)
    .max(1 << 22)
    .refine((n) => (n & (n - 1)) === 0, 'must be a power of two'),
  seed: z.int().min(0).max(0xffffffff),
  offset: z.int().min(0),
});

const rankTable = z
  .object({ z: z.array(z.number()).min(2), rank: z.array(z.number().min(0).max(1)).min(2) })
  .refine((t) => t.z.length === t.rank.length, 'z and rank differ in length')
  .refine((t) => rises(t.z) && rises(t.rank), 'knots must rise');

const presentSet = z.object({
  coefficients: z.partialRecord(z.enum(TEXT_MODALITIES), z.number()),
  intercept: z.number(),
  rho: z.number().min(0).max(0.99),
  rankTable,
});

const parameters = z.object({
  kind: z.literal('hashed-ngram-linear'),
  hash: z.literal('murmur3-x86-32'),
  blocks: z.array(block).min(1),
  combine: z.object({ text: presentSet, caption: presentSet, 'text+caption': presentSet }),
});

export type TextHeadBlock = z.infer<typeof block>;
export type RankTable = z.infer<typeof rankTable>;
export type PresentSetParameters = z.infer<typeof presentSet>;
export type TextHeadParameters = z.infer<typeof parameters>;

/** @throws FirstFiveError BUNDLE_INVALID, naming the first wrong field. */
export function parseTextHeadParameters(head: unknown): TextHeadParameters {
  const parsed = parameters.safeParse(head);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new FirstFiveError(
    'BUNDLE_INVALID',
    `head.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
  );
}

function rises(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > (values[i - 1] ?? Number.POSITIVE_INFINITY));
}
