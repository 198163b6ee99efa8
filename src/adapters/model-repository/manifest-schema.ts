/** `bundle.json`, strictly: unknown keys, wrong types and parts that do not fit together are refused (`BUNDLE_INVALID`). */
import { z } from 'zod';
import { type BundleManifest, TEXT_FIELDS, TEXT_READINGS } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import { assertPriorAssumptions } from '../../core/prior.ts';
import { parseStackedHeadParameters } from '../../core/text/stacked-head-parameters.ts';
import { parseTextHeadParameters } from '../../core/text/text-head-parameters.ts';
import { extractionPlan } from './plan-schema.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits');
/** Relative, inside the folder by its text alone; what it resolves to is checked when it is opened. */
const file = z
  .string()
  .max(200)
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/,
    'must be a plain path inside the bundle',
  );
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'must be a plain name');
const positive = z.int().min(1).max(1_000_000);
const finite = z.number();

const tensor = z.strictObject({
  name,
  type: z.enum(['uint8', 'float32', 'int32']),
  shape: z.tuple([z.literal('n')], z.union([positive, z.literal('tokens')])),
  feature: name.exactOptional(),
});

const rising = (sizes: readonly number[]) => sizes.every((size, i) => i === 0 || size > (sizes[i - 1] ?? 0));

const tokenizer = z.strictObject({
  kind: z.literal('word-piece'),
  file,
  sha256,
  maxTokens: z.int().min(3).max(8_192),
});

const graph = z.strictObject({
  file,
  sha256,
  inputs: z.array(tensor).min(1).max(16),
  outputs: z.array(tensor).min(1).max(16),
  buckets: z.array(z.int().min(1).max(1_024)).min(1).max(16).refine(rising, 'must rise'),
  padding: z.string().exactOptional(),
  text: z
    .strictObject({
      tokenizer: name,
      lengths: z.array(z.int().min(3).max(8_192)).min(1).max(16).refine(rising, 'must rise'),
    })
    .exactOptional(),
  occlusion: z.array(z.array(name).min(1).max(16)).min(1).max(16).exactOptional(),
});

const feature = z.strictObject({
  name,
  from: z.string().regex(/^[^.]+\.[^.]+$/, 'must be <graph>.<output>'),
  reading: z.enum(TEXT_READINGS).exactOptional(),
  without: z.enum(TEXT_FIELDS).exactOptional(),
  pool: z.enum(['mean', 'concat']).exactOptional(),
  dim: positive,
  labels: z.array(z.string()).exactOptional(),
});

const head = z.strictObject({
  kind: z.enum(['hashed-ngram-linear', 'stacked-text']),
  file,
  sha256,
  specification: z.string().optional(),
  layout: z.string().optional(),
  hash: z.unknown(),
  normaliser: z.unknown(),
  blocks: z.unknown(),
  members: z.unknown().optional(),
  combine: z.unknown(),
  weights: z.record(z.string(), z.union([finite, z.string()])).optional(),
});

const manifest = z.strictObject({
  schemaVersion: z.literal(1),
  name,
  version: z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/, 'must be MAJOR.MINOR.PATCH'),
  tier: z.int().min(1).max(99),
  trained: z.boolean(),
  description: z.string(),
  licence: z.string(),
  extractionPlan,
  tokenizers: z.record(name, tokenizer).exactOptional(),
  graphs: z.record(name, graph),
  features: z.array(feature),
  head,
  prior: z.strictObject({
    meanEcr: finite,
    spread: finite,
    assumed: z.boolean(),
    rho: z.record(z.string(), finite).refine((rho) => rho.none === 0, 'none must be 0'),
  }),
  calibration: z.strictObject({
    kind: z.literal('rank-to-ecr-normal'),
    fitted: z.boolean(),
    statement: z.string(),
  }),
  ticket: z
    .strictObject({
      delta: finite.gt(0).lt(0.5),
      minImpressions: z.int().min(0),
      maxImpressions: z.int().min(1),
      ttlHours: finite.gt(0).max(8_760),
    })
    .refine(
      (ticket) => ticket.minImpressions <= ticket.maxImpressions,
      'minImpressions exceeds maxImpressions',
    ),
  golden: z.strictObject({ file, sha256 }),
  provenance: z.array(z.unknown()).min(1),
  metrics: z.record(z.string(), z.unknown()),
});

/** What the schema says of a manifest's shape (JSON Schema, draft 2020-12); what belongs together is checked beyond it. */
export function manifestJsonSchema(): unknown {
  return z.toJSONSchema(manifest, { target: 'draft-2020-12', io: 'input', unrepresentable: 'any' });
}

export function parseManifest(text: string, origin: string): BundleManifest {
  const parsed = manifest.safeParse(parseJson(text, origin));
  if (!parsed.success) {
    const reasons = parsed.error.issues
      .slice(0, 5)
      .map((issue) => `${issue.path.join('.') || 'bundle.json'}: ${issue.message}`);
    throw new FirstFiveError('BUNDLE_INVALID', `${origin}: ${reasons.join('; ')}`);
  }
  const value: BundleManifest = parsed.data;
  for (const problem of crossCheck(value))
    throw new FirstFiveError('BUNDLE_INVALID', `${origin}: ${problem}`);
  return value;
}

function parseJson(text: string, origin: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new FirstFiveError('BUNDLE_INVALID', `${origin}: not JSON: ${String(thrown)}`, { cause: thrown });
  }
}

/** What a schema cannot say: that the parts agree with one another. */
function* crossCheck(value: BundleManifest): Generator<string> {
  assertPriorAssumptions(value.prior, Object.values(value.prior.rho));
  yield* crossCheckHead(value);
  yield* crossCheckFeatures(value);
  yield* crossCheckText(value);
}

function* crossCheckHead({ head: stated, prior, features }: BundleManifest): Generator<string> {
  const stack = stated.kind === 'stacked-text' ? parseStackedHeadParameters(stated) : undefined;
  const { combine } = stack ?? parseTextHeadParameters(stated);
  for (const [set, { rho }] of Object.entries(combine)) {
    if (prior.rho[set] !== rho) yield `prior.rho.${set} is not the head's (${rho})`;
  }
  for (const { feature: weighed, parts } of stack?.members ?? []) {
    const found = features.find((one) => one.name === weighed);
    if (found?.dim !== parts.length + 2)
      yield `head.members: ${weighed} must be a feature of dim ${parts.length + 2}`;
  }
}

function* crossCheckFeatures(value: BundleManifest): Generator<string> {
  for (const { name: featureName, from, dim, pool, labels } of value.features) {
    const [graphName = '', outputName = ''] = from.split('.');
    const found = value.graphs[graphName];
    const output = found?.outputs.find((one) => one.name === outputName);
    const rows = pool === 'concat' && found?.occlusion !== undefined ? found.occlusion.length + 2 : 1;
    if (output === undefined) yield `features.${featureName}: the bundle has no ${from}`;
    else if (output.shape.length !== 2 || Number(output.shape[1]) * rows !== dim)
      yield `features.${featureName}: ${from} is not of dim ${dim}`;
    if (labels !== undefined && labels.length !== dim)
      yield `features.${featureName}: ${labels.length} labels for dim ${dim}`;
  }
  const names = value.features.map((one) => one.name);
  if (new Set(names).size < names.length) yield 'features: a name is used twice';
}

function* crossCheckText({ graphs, tokenizers = {} }: BundleManifest): Generator<string> {
  for (const [graphName, { inputs, outputs, text }] of Object.entries(graphs)) {
    const hasTokens = [...inputs, ...outputs].some((one) => one.shape.includes('tokens'));
    if (text === undefined) {
      if (hasTokens) yield `graphs.${graphName}: only a graph that reads text has a dim of tokens`;
      continue;
    }
    const tokens = tokenizers[text.tokenizer]?.maxTokens;
    if (tokens === undefined) yield `graphs.${graphName}.text: the bundle has no tokenizer ${text.tokenizer}`;
    else if (text.lengths.at(-1) !== tokens)
      yield `graphs.${graphName}.text: the last length must be the tokenizer's ${tokens} tokens`;
  }
}
