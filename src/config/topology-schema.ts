/** What a topology file may say, as a strict schema: one place for parser, defaults and error texts. */
import { z } from 'zod';
import { DELIVERIES, STEPS } from '../runtime/topology.ts';
import { OPTION_TABLE } from './option-table.ts';
import { parseBytes, parseDuration } from './quantities.ts';

/** Kafka's own rule for topic names; groups follow it as well. */
const name = z.string().regex(/^[A-Za-z0-9._-]{1,180}$/, 'must be 1 to 180 letters, digits, ".", "_" or "-"');
const count = z.number().int().min(1);

/** `200ms`, `30s`, `7d`: a number with its unit. */
const duration = z
  .union([z.string(), z.number()])
  .transform((given, context) =>
    quantity(parseDuration(String(given)), context, 'a duration such as 200ms, 30s or 7d'),
  );
const size = z
  .union([z.string(), z.number()])
  .transform((given, context) => quantity(parseBytes(String(given)), context, 'a size such as 64MiB'));
const positiveDuration = duration.refine((ms) => ms > 0, 'must be longer than 0');

const topic = z.strictObject({
  partitions: count.max(10_000).default(8),
  cleanup: z.enum(['delete', 'compact']).default('delete'),
  /** `forever` keeps everything; with `compact` it bounds how long tombstones stay. */
  /** Left out: 8 MiB, and a little more where failed records go with their provenance. */
  maxRecordBytes: size.refine((bytes) => bytes > 0, 'must be larger than 0').optional(),
  retention: z.union([z.literal('forever').transform(() => null), duration]).default(7 * 86_400_000),
});

const intake = z.strictObject({
  concurrency: count.optional(),
  maxInFlight: count.default(256),
  maxInFlightBytes: size.default(64 * 1_048_576),
});
const commit = z.strictObject({
  interval: positiveDuration.default(200),
  maxRecords: count.default(500),
});
const retry = z
  .strictObject({
    maxAttempts: count.max(100).default(5),
    initialBackoff: positiveDuration.default(200),
    maxBackoff: positiveDuration.default(10_000),
    /** One retry topic for each delay, shortest first; `<input>.retry.<delay>` unless it is named. */
    topics: z
      .array(
        z.union([
          z.strictObject({ delay: positiveDuration, topic: name.optional() }),
          positiveDuration.transform((delay) => ({ delay, topic: undefined })),
        ]),
      )
      .max(8)
      .default([]),
  })
  .refine(
    ({ topics }) => topics.every(({ delay }, i) => delay >= (topics[i - 1]?.delay ?? 0)),
    'the delays of topics must not get shorter',
  )
  .refine(
    (policy) => policy.maxBackoff >= policy.initialBackoff,
    'maxBackoff is shorter than initialBackoff',
  );
const watchdog = z
  .strictObject({
    attemptDeadline: positiveDuration.default(30_000),
    commitDeadline: positiveDuration.default(60_000),
  })
  .refine(
    (policy) => policy.commitDeadline >= policy.attemptDeadline,
    'commitDeadline is shorter than attemptDeadline: a slow record would count as a stuck stage',
  );

const stage = z.strictObject({
  name,
  steps: z.array(z.enum(STEPS)).min(1),
  group: name.optional(),
  input: name,
  outputs: z.partialRecord(z.enum(STEPS), name),
  deadLetters: name,
  publish: name.optional(),
  intake: intake.prefault({}),
  commit: commit.prefault({}),
  retry: retry.prefault({}),
  watchdog: watchdog.prefault({}),
});

const inference = z.strictObject({
  workers: count.max(1_024).optional(),
  intraOpThreads: count.max(1_024).optional(),
  batch: z.strictObject({ maxRows: count.max(4_096).optional(), maxDelay: duration.optional() }).prefault({}),
});

const text = z.union([z.string(), z.number().transform(String)]);

const optionKeys = OPTION_TABLE.map((option) => option.key);

/** Options of the command line as keys of a file. Values have the form of the flag; `mediaRoots` may be a list. */
export const optionsSchema = z.partialRecord(z.enum(optionKeys), z.union([text, z.array(z.string())]));

export const topologySchema = z.strictObject({
  name,
  bundle: z.string().min(1),
  delivery: z.enum(DELIVERIES).default('exactly-once'),
  topics: z.record(
    name,
    topic.nullable().transform((given) => given ?? topic.parse({})),
  ),
  stages: z.array(stage).min(1),
  decoders: count.max(1_024).optional(),
  extractionCache: z.boolean().optional(),
  inference: inference.prefault({}),
  options: optionsSchema.prefault({}),
});

export type TopologyFile = z.infer<typeof topologySchema>;

function quantity(value: number | undefined, context: z.RefinementCtx, wanted: string): number {
  if (value !== undefined) return value;
  context.addIssue({ code: 'custom', message: `must be ${wanted}` });
  return z.NEVER;
}
