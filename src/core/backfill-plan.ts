/**
 * The plan of a backfill as a value: which records, from where to where, into which topics.
 *
 * P1. A plan is immutable: its digest stands in it, covers everything else, and is checked whenever it is read.
 * P2. Ends are offsets that were captured when it was made: what is appended later is not part of the run.
 * P3. What predicates chose is written down as offsets, so that a resumed run works on the same records.
 */
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './digest.ts';
import { FirstFiveError } from './errors.ts';

const offset = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform(BigInt);
const count = z.number().int().min(0);
const topic = z.string().regex(/^[A-Za-z0-9._-]{1,249}$/);

const partition = z.strictObject({
  partition: count,
  /** First offset of the range, and the first one after it. */
  start: offset,
  end: offset,
  /** Records to work on. */
  selected: count,
  /** `OffsetSelection.encoded()`; absent: every record of the range. */
  offsets: z.string().optional(),
});

const filter = z.strictObject({
  keys: z.array(z.string()).optional(),
  attributes: z.record(z.string(), z.string()).optional(),
  creators: z.array(z.string()).optional(),
  scoreBelow: z.number().optional(),
  bundleNot: z.string().optional(),
});

const estimate = z.strictObject({
  /** Where the rate was measured; `unknown`: nothing was. */
  basis: z.enum(['receipts', 'score timings', 'unknown']),
  detail: z.string(),
  recordsPerSecond: z.number().nullable(),
  seconds: z.number().nullable(),
  /** Time spent in the steps, over all records: what a machine is paid for, whatever runs in parallel. */
  workSeconds: z.number().nullable(),
});

const planSchema = z.strictObject({
  schemaVersion: z.literal(1),
  run: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
  createdAt: z.number().int(),
  topology: z.string(),
  stage: z.string(),
  steps: z.array(z.string()).min(1),
  groupId: z.string(),
  input: topic,
  /** By step: the topics that the live topology writes, and those that this run writes in their place. */
  liveOutputs: z.record(z.string(), topic),
  outputs: z.record(z.string(), topic),
  deadLetters: topic,
  from: z.string(),
  to: z.string(),
  filter,
  partitions: z.array(partition),
  counted: z.strictObject({
    records: count,
    bytes: count,
    tombstones: count,
    selected: count,
    selectedBytes: count,
  }),
  estimate,
});

export type PlannedPartition = Readonly<z.infer<typeof partition>>;
export type BackfillFilter = Readonly<z.infer<typeof filter>>;
export type BackfillEstimate = Readonly<z.infer<typeof estimate>>;
export type BackfillPlan = Readonly<z.infer<typeof planSchema>>;

/** One JSON document, with its digest. Offsets are strings: a JSON number would lose the large ones. */
export function planText(plan: BackfillPlan): string {
  return `${JSON.stringify({ ...plainPlan(plan), digest: backfillPlanDigest(plan) }, null, 1)}\n`;
}

export function backfillPlanDigest(plan: BackfillPlan): string {
  return sha256Hex(canonicalJson(plainPlan(plan)));
}

/** @throws FirstFiveError `CONFIG_INVALID` for what is no plan, or one that was changed after it was made (P1). */
export function parsePlan(text: string): BackfillPlan {
  const { digest, ...plain } = objectOf(text);
  const parsed = planSchema.safeParse(plain);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FirstFiveError(
      'CONFIG_INVALID',
      `this is no backfill plan: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    );
  }
  if (digest !== backfillPlanDigest(parsed.data)) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      'the plan was changed after it was made (its digest differs): plan again',
    );
  }
  return parsed.data;
}

/** `ranking.cold-start.v1` of the run `r` is `ranking.cold-start.backfill.r`. */
export function runTopic(live: string, run: string): string {
  return `${live.replace(/\.v\d+$/, '')}.backfill.${run}`;
}

export function backfillGroup(plan: Pick<BackfillPlan, 'groupId' | 'run'>): string {
  return `${plan.groupId}.backfill.${plan.run}`;
}

function plainPlan(plan: BackfillPlan): Record<string, unknown> {
  const partitions = plan.partitions.map((at) => ({ ...at, start: String(at.start), end: String(at.end) }));
  return { ...plan, partitions };
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below, as for any other text.
  }
  throw new FirstFiveError('CONFIG_INVALID', 'this is no backfill plan: it is not a JSON object');
}
