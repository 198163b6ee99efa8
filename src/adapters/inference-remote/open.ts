/**
 * `Inference` on a server of the Open Inference Protocol v2. The graphs of the bundle are served as models named
 * `<bundle>-<graph>`, from the same ONNX files.
 *
 * M1. When `openRemoteInference` resolves, every model is ready and takes and gives what its graph does.
 * M2. Never another provider: a server that cannot be used is `PROVIDER_UNAVAILABLE`, at the start (a configuration error) as later
 *     (systemic).
 * M3. A batch is sent in pieces of the graph's largest bucket; nothing is padded, since the server takes any number of rows.
 */
import type { BundleIdentity, GraphManifest } from '../../core/bundle.ts';
import { FirstFiveError } from '../../core/errors.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import type { Inference, NamedTensors } from '../../stages/embed/inference.ts';
import { joinRows, rowCount, viewRows } from '../../stages/embed/tensor-rows.ts';
import { metadataProblems, parseModelMetadata } from './model-metadata.ts';
import { DEFAULT_SERVER_LIMITS, InferenceServer, type ServerLimits } from './server.ts';
import { decodeInferResponse, encodeInferRequest } from './tensor-wire.ts';

export interface RemoteInferenceOptions {
  readonly bundle: {
    readonly manifest: BundleIdentity & { readonly graphs: Readonly<Record<string, GraphManifest>> };
  };
  /** `http(s)://HOST[:PORT]` */
  readonly url: string;
  readonly limits?: Partial<ServerLimits>;
  readonly clock?: Pick<Clock, 'now'>;
}

const MAX_METADATA_BYTES = 1_048_576;
/** Of JSON around the tensors of an answer. */
const MAX_HEADER_BYTES = 65_536;
/** A value as JSON has at most so many characters; servers without the binary extension write them so. */
const MAX_JSON_BYTES_PER_VALUE = 32;

export async function openRemoteInference(options: RemoteInferenceOptions): Promise<Inference> {
  const { manifest } = options.bundle;
  const url = options.url.replace(/\/+$/, '');
  const server = new InferenceServer(
    url,
    { ...DEFAULT_SERVER_LIMITS, ...options.limits },
    options.clock ?? systemClock,
  );
  await Promise.all(
    Object.entries(manifest.graphs).map(([name, graph]) =>
      requireModel(server, modelName(manifest, name), graph),
    ),
  );
  const closed = new AbortController();
  return {
    executionProvider: 'remote',
    run: async (graph, inputs, signal) => {
      const spec = manifest.graphs[graph];
      if (spec === undefined)
        throw new FirstFiveError('INFERENCE_FAILED', `the bundle has no graph ${graph}`);
      const either = signal === undefined ? closed.signal : AbortSignal.any([closed.signal, signal]);
      const parts = await Promise.all(
        pieces(inputs, Math.max(...spec.buckets)).map((piece) =>
          runPiece(server, { model: modelName(manifest, graph), graph: spec, inputs: piece, signal: either }),
        ),
      );
      return parts.length === 1 && parts[0] !== undefined ? parts[0] : joinRows(parts, rowCount(inputs));
    },
    close: async () => {
      closed.abort(new FirstFiveError('INFERENCE_FAILED', 'the inference is closed', { kind: 'systemic' }));
    },
  };
}

/** Name under which a server serves a graph. Letters, digits, "-", "_" and "." are what all servers take. */
export function modelName({ name }: Pick<BundleIdentity, 'name'>, graph: string): string {
  return `${name}-${graph}`;
}

async function requireModel(server: InferenceServer, model: string, graph: GraphManifest): Promise<void> {
  const path = `/v2/models/${encodeURIComponent(model)}`;
  try {
    await server.ask({ path: `${path}/ready`, maxAnswerBytes: MAX_METADATA_BYTES });
    const { bytes } = await server.ask({ path, maxAnswerBytes: MAX_METADATA_BYTES });
    const problems = metadataProblems(graph, parseModelMetadata(bytes, model));
    if (problems.length === 0) return;
    throw new FirstFiveError(
      'PROVIDER_UNAVAILABLE',
      `model ${model} of ${server.url} is another graph: ${problems.join('; ')}`,
    );
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new FirstFiveError(
      'PROVIDER_UNAVAILABLE',
      message.includes(model) ? message : `model ${model}: ${message}`,
      { cause: thrown },
    );
  }
}

interface PieceRun {
  readonly model: string;
  readonly graph: GraphManifest;
  readonly inputs: NamedTensors;
  readonly signal: AbortSignal;
}

async function runPiece(
  server: InferenceServer,
  { model, graph, inputs, signal }: PieceRun,
): Promise<NamedTensors> {
  const body = encodeInferRequest(inputs, graph.outputs);
  const rows = rowCount(inputs);
  const answer = await server.ask({
    path: `/v2/models/${encodeURIComponent(model)}/infer`,
    body,
    maxAnswerBytes: MAX_HEADER_BYTES + MAX_JSON_BYTES_PER_VALUE * answeredValues(graph, inputs),
    signal,
  });
  return decodeInferResponse(answer.bytes, answer.headerLength, graph.outputs, rows);
}

/** At most; a text's length is that of its row. */
function answeredValues({ outputs }: GraphManifest, inputs: NamedTensors): number {
  const tokens = Math.max(1, ...Object.values(inputs).map(({ dims }) => dims[1] ?? 1));
  const width = ({ shape }: GraphManifest['outputs'][number]) =>
    shape.slice(1).reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : tokens), 1);
  return outputs.reduce((sum, output) => sum + rowCount(inputs) * width(output), 0);
}

/** Views of at most `largest` rows each. */
function pieces(inputs: NamedTensors, largest: number): NamedTensors[] {
  const rows = rowCount(inputs);
  if (rows === 0) throw new FirstFiveError('INFERENCE_FAILED', 'a batch needs at least one row');
  if (rows <= largest) return [inputs];
  return Array.from({ length: Math.ceil(rows / largest) }, (_, i) =>
    viewRows(inputs, i * largest, Math.min(largest, rows - i * largest)),
  );
}
