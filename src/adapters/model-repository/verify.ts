/**
 * `models verify`: does a loaded bundle compute here what it computed where it was made?
 *
 * Hashes are checked by loading, graph signatures by opening the inference; both have happened when this is called.
 * Here the head is built from its file, the golden vectors run on the execution provider in use, and golden texts go all the way
 * from tokenizer to standardised score.
 */
import { z } from 'zod';
import { FirstFiveError, toFirstFiveError } from '../../core/errors.ts';
import { createEmbedStage } from '../../stages/embed/embed-stage.ts';
import type { Inference, NamedTensors } from '../../stages/embed/inference.ts';
import { openTextEncoders } from '../../stages/embed/text-encoders.ts';
import type { LoadedBundle } from '../../stages/model-repository.ts';
import { openScoringHead, type ScoringHead } from '../../stages/score/scoring-head.ts';
import { goldenTensors } from './golden-inputs.ts';

export interface VerifyCheck {
  /** `head`, `text:<number>`, `golden:<graph>.<output>`. */
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const golden = z.strictObject({
  schemaVersion: z.literal(1),
  madeWith: z.record(z.string(), z.string()),
  cases: z
    .array(
      z.strictObject({
        graph: z.string(),
        inputs: z.record(
          z.string(),
          z.union([
            z.strictObject({ formula: z.string(), count: z.int().min(1).max(64).exactOptional() }),
            z.strictObject({ values: z.array(z.int()).min(1).max(64) }),
            z.strictObject({ rows: z.array(z.array(z.int()).min(1).max(8_192)).min(1).max(64) }),
          ]),
        ),
        outputs: z.record(
          z.string(),
          z.array(z.strictObject({ first: z.array(z.number()).min(1), norm: z.number() })).min(1),
        ),
        tolerance: z.strictObject({ absolute: z.number().gt(0), relativeNorm: z.number().gt(0) }),
      }),
    )
    .min(1),
  /** Texts as uploaders write them, and the standardised score that the training code gives them. */
  texts: z
    .strictObject({
      absolute: z.number().gt(0),
      cases: z
        .array(
          z.strictObject({
            title: z.string().exactOptional(),
            description: z.string().exactOptional(),
            caption: z.string().exactOptional(),
            z: z.number(),
          }),
        )
        .min(1),
    })
    .exactOptional(),
});

type Golden = z.infer<typeof golden>;
type GoldenCase = Golden['cases'][number];

/** One line per check; nothing is thrown for a bundle that computes something else, only for what cannot be run. */
export async function verifyBundle(
  bundle: LoadedBundle,
  inference: Inference,
): Promise<readonly VerifyCheck[]> {
  const { head, check } = await verifyHead(bundle);
  const checks: VerifyCheck[] = [check];
  const { cases, texts } = await readGolden(bundle);
  if (head !== undefined && texts !== undefined)
    checks.push(...(await verifyTexts(bundle, { inference, head, texts })));
  for (const one of cases) checks.push(...(await verifyCase(bundle, inference, one)));
  const covered = new Set(checks.map((check) => check.name));
  for (const [graph, { outputs }] of Object.entries(bundle.manifest.graphs)) {
    for (const output of outputs) {
      const name = `golden:${graph}.${output.name}`;
      if (!covered.has(name))
        checks.push({ name, ok: false, detail: 'the bundle brings no golden vector for it' });
    }
  }
  return checks;
}

/** The head from its file. That it scores the absence of everything is no proof; golden texts are. */
async function verifyHead(
  bundle: LoadedBundle,
): Promise<{ readonly check: VerifyCheck; readonly head?: ScoringHead }> {
  try {
    const head = await openScoringHead(bundle);
    const { rank, rho } = head.score({ text: {}, embeddings: [], signals: {} });
    const ok = rank === 0.5 && rho === 0;
    return { head, check: { name: 'head', ok, detail: bundle.manifest.head.kind } };
  } catch (thrown) {
    return { check: { name: 'head', ok: false, detail: toFirstFiveError(thrown).message } };
  }
}

interface TextVerification {
  readonly inference: Inference;
  readonly head: ScoringHead;
  readonly texts: NonNullable<Golden['texts']>;
}

async function verifyTexts(
  bundle: LoadedBundle,
  { inference, head, texts }: TextVerification,
): Promise<readonly VerifyCheck[]> {
  const runner = {
    executionProvider: inference.executionProvider,
    run: (graph: string, rows: NamedTensors) => inference.run(graph, rows),
  };
  const stage = createEmbedStage({ bundle, runner, encoders: await openTextEncoders(bundle) });
  const checks: VerifyCheck[] = [];
  for (const [i, { z: expected, ...text }] of texts.cases.entries()) {
    const features = await stage.embedText(text);
    const { z: actual } = head.score({ ...features, signals: {} });
    const difference = Math.abs(actual - expected);
    const detail = `score ${actual.toFixed(4)}, difference ${difference.toExponential(1)} (allowed ${texts.absolute})`;
    checks.push({ name: `text:${i + 1}`, ok: difference <= texts.absolute, detail });
  }
  return checks;
}

async function readGolden({ manifest, read }: LoadedBundle): Promise<Golden> {
  const text = new TextDecoder().decode(await read(manifest.golden.file));
  const parsed = golden.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new FirstFiveError(
    'BUNDLE_INVALID',
    `${manifest.golden.file}: ${issue?.path.join('.')}: ${issue?.message}`,
  );
}

async function verifyCase(
  bundle: LoadedBundle,
  inference: Inference,
  one: GoldenCase,
): Promise<readonly VerifyCheck[]> {
  const graph = bundle.manifest.graphs[one.graph];
  if (graph === undefined)
    throw new FirstFiveError('BUNDLE_INVALID', `golden: the bundle has no graph ${one.graph}`);
  const shapes = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [name, shape.slice(1) as number[]]),
  );
  const outputs = await inference.run(one.graph, goldenTensors(one.inputs, shapes));
  return Object.entries(one.outputs).map(([output, rows]) =>
    compare(`golden:${one.graph}.${output}`, outputs[output], rows, one.tolerance),
  );
}

function compare(
  name: string,
  actual: NamedTensors[string] | undefined,
  rows: GoldenCase['outputs'][string],
  tolerance: GoldenCase['tolerance'],
): VerifyCheck {
  if (actual === undefined) return { name, ok: false, detail: 'the graph gives no such output' };
  const width = actual.data.length / rows.length;
  let absolute = 0;
  let relativeNorm = 0;
  for (const [i, row] of rows.entries()) {
    const values = actual.data.subarray(i * width, (i + 1) * width);
    for (const [k, expected] of row.first.entries())
      absolute = worst(absolute, Math.abs((values[k] ?? Number.NaN) - expected));
    relativeNorm = worst(
      relativeNorm,
      Math.abs(Math.hypot(...values) - row.norm) / Math.max(row.norm, 1e-12),
    );
  }
  const ok = absolute <= tolerance.absolute && relativeNorm <= tolerance.relativeNorm;
  const detail =
    `largest difference ${absolute.toExponential(1)} (allowed ${tolerance.absolute}), ` +
    `of the norm ${relativeNorm.toExponential(1)} (allowed ${tolerance.relativeNorm})`;
  return { name, ok, detail };
}

/** NaN is worse than any number; `Math.max` agrees, comparisons would not. */
function worst(a: number, b: number): number {
  return Math.max(a, b);
}
