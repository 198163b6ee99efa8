/** The `head` part of a bundle whose kind is `hashed-ngram-linear`, parsed and cross-checked. */
import { z } from 'zod';
import { TEXT_FIELDS } from '../bundle.ts';
import { FirstFiveError } from '../errors.ts';
import { rankTableSchema } from './rank-table.ts';

export const TEXT_MODALITIES = ['text', 'caption'] as const;
export type TextModality = (typeof TEXT_MODALITIES)[number];

/** Present modalities as one key. `none` needs no parameters: nothing is known, so rank .5 and rho 0. */
export const PRESENT_SETS = ['text', 'caption', 'text+caption'] as const;
export type PresentSet = (typeof PRESENT_SETS)[number];

export const ngramBlockSchema = z.object({
  modality: z.enum(TEXT_MODALITIES),
  fields: z.array(z.enum(TEXT_FIELDS)).min(1),
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

const presentSet = z.object({
  coefficients: z.partialRecord(z.enum(TEXT_MODALITIES), z.number()),
  intercept: z.number(),
  rho: z.number().min(0).max(0.99),
  rankTable: rankTableSchema,
});

const parameters = z.object({
  kind: z.literal('hashed-ngram-linear'),
  hash: z.literal('murmur3-x86-32'),
  blocks: z.array(ngramBlockSchema).min(1),
  combine: z.object({ text: presentSet, caption: presentSet, 'text+caption': presentSet }),
});

export type TextHeadBlock = z.infer<typeof ngramBlockSchema>;
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
