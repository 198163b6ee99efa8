/** The `head` part of a bundle whose kind is `stacked-text`, parsed and cross-checked. Specification: docs/specs/stacked-head.md. */
import { z } from 'zod';
import { TEXT_FIELDS } from '../bundle.ts';
import { FirstFiveError } from '../errors.ts';
import { rankTableSchema } from './rank-table.ts';
import { ngramBlockSchema, PRESENT_SETS, TEXT_MODALITIES } from './text-head-parameters.ts';

/** The member that every modality has: the n-grams of `blocks`. */
export const NGRAMS = 'ngrams';

const member = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be a plain lower-case name'),
  modality: z.enum(TEXT_MODALITIES),
  /** A feature of the bundle: everything, all but each of `parts` in turn, nothing. */
  feature: z.string(),
  parts: z.array(z.enum(TEXT_FIELDS)).min(1),
});

const presentSet = z.strictObject({
  /** Keys are `<modality>:<member>`. */
  coefficients: z.record(z.string(), z.number()),
  intercept: z.number(),
  rho: z.number().min(0).max(0.99),
  rankTable: rankTableSchema,
});

const parameters = z
  .object({
    kind: z.literal('stacked-text'),
    hash: z.literal('murmur3-x86-32'),
    blocks: z.array(ngramBlockSchema).min(1),
    members: z.array(member).min(1),
    combine: z.strictObject({ text: presentSet, caption: presentSet, 'text+caption': presentSet }),
  })
  .refine(
    ({ members }) => new Set(members.map(memberKey)).size === members.length,
    'a member is named twice',
  );

export type StackMember = z.infer<typeof member>;
export type StackedHeadParameters = z.infer<typeof parameters>;

export function memberKey({ modality, name }: Pick<StackMember, 'modality' | 'name'>): string {
  return `${modality}:${name}`;
}

/** @throws FirstFiveError BUNDLE_INVALID, naming the first wrong field. */
export function parseStackedHeadParameters(head: unknown): StackedHeadParameters {
  const parsed = parameters.safeParse(head);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
  }
  for (const set of PRESENT_SETS) {
    const expected = memberKeys(parsed.data, set.split('+')).sort().join(', ');
    const stated = Object.keys(parsed.data.combine[set].coefficients).sort().join(', ');
    if (stated !== expected)
      throw invalid(`combine.${set}.coefficients: has ${stated}; members are ${expected}`);
  }
  return parsed.data;
}

/** Keys of every member of these modalities. */
function memberKeys({ members }: StackedHeadParameters, modalities: readonly string[]): string[] {
  return modalities.flatMap((modality) => [
    `${modality}:${NGRAMS}`,
    ...members.filter((one) => one.modality === modality).map(memberKey),
  ]);
}

function invalid(reason: string): FirstFiveError {
  return new FirstFiveError('BUNDLE_INVALID', `head.${reason}`);
}
