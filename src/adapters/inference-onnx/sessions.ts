/**
 * ONNX Runtime sessions of one worker: the only code that touches the native library, always off the main thread
 * (`run` and `create` block the thread that calls them).
 */
import { readFile } from 'node:fs/promises';
import { env, InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { TensorSpec } from '../../core/bundle.ts';
import { sha256Hex } from '../../core/digest.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { NamedTensors, Tensor } from '../../stages/embed/inference.ts';
import type { NativeGate } from './native-gate.ts';
import type { WorkerGraph, WorkerSetup } from './protocol.ts';
import type { OnnxProvider } from './providers.ts';

/** Runs per bucket before a session counts as ready: the first pays for memory, the second for what the first moved. */
const WARM_RUNS = 2;
/** A one-node graph (y = x + x, float32 [1]), made with onnx 1.17.0: tells a missing provider from a bad model. */
const PROBE_MODEL =
  'CAg6OQoOCgF4CgF4EgF5IgNBZGQSBXByb2JlWg8KAXgSCgoICAESBAoCCAFiDwoBeRIKCggIARIECgIIAUIECgAQEQ==';

export interface GraphSession {
  run(inputs: NamedTensors): Promise<NamedTensors>;
}

/** `PROVIDER_UNAVAILABLE` in the runtime's own words when the provider does not compute. Never falls back. */
export async function assertProvider(provider: OnnxProvider): Promise<void> {
  try {
    const session = await InferenceSession.create(
      Buffer.from(PROBE_MODEL, 'base64'),
      sessionOptions(provider, 1),
    );
    const { y } = await session.run({ x: new OrtTensor('float32', new Float32Array([21]), [1]) });
    if (y?.data[0] !== 42) throw new Error(`the provider computes 21 + 21 = ${String(y?.data[0])}`);
    await session.release();
  } catch (thrown) {
    throw new FirstFiveError('PROVIDER_UNAVAILABLE', `execution provider ${provider}: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

/** Loads, checks and warms one session per graph. `BUNDLE_INVALID` when file, hash or signature is not as stated. */
export async function openSessions(
  setup: WorkerSetup,
  gate: NativeGate,
): Promise<ReadonlyMap<string, GraphSession>> {
  // Its log goes to stderr behind our back; what it has to say is in the errors that it throws.
  env.logLevel = 'fatal';
  const sessions = new Map<string, GraphSession>();
  for (const [name, graph] of Object.entries(setup.graphs)) {
    const session = await openSession(name, graph, { setup, gate });
    await warm(session, graph);
    sessions.set(name, session);
  }
  return sessions;
}

async function openSession(
  name: string,
  graph: WorkerGraph,
  { setup, gate }: { readonly setup: WorkerSetup; readonly gate: NativeGate },
): Promise<GraphSession> {
  const bytes = await readGraph(name, graph);
  const session = await InferenceSession.create(
    bytes,
    sessionOptions(setup.provider, setup.intraOpThreads),
  ).catch((thrown: unknown) => {
    throw invalid(name, `ONNX Runtime does not load it: ${messageOf(thrown)}`, thrown);
  });
  assertSignature(name, 'input', graph.inputs, session.inputMetadata, true);
  assertSignature(name, 'output', graph.outputs, session.outputMetadata, false);
  const wanted = graph.outputs.map((output) => output.name);
  return {
    run: async (inputs) => {
      const feeds = Object.fromEntries(Object.entries(inputs).map(([key, tensor]) => [key, toOrt(tensor)]));
      const results = await gate.pass(() => session.run(feeds, wanted));
      return Object.fromEntries(wanted.map((output) => [output, fromOrt(output, results[output])]));
    },
  };
}

async function readGraph(name: string, graph: WorkerGraph): Promise<Uint8Array> {
  const bytes = await readFile(graph.path).catch((thrown: unknown) => {
    throw invalid(name, `${graph.file} cannot be read: ${messageOf(thrown)}`, thrown);
  });
  const actual = sha256Hex(bytes);
  if (actual !== graph.sha256)
    throw invalid(name, `${graph.file} has sha256 ${actual}, stated is ${graph.sha256}`);
  return bytes;
}

async function warm(session: GraphSession, graph: WorkerGraph): Promise<void> {
  for (const tokens of graph.text?.lengths ?? [0]) {
    for (const bucket of graph.buckets) {
      const feeds = () => graph.inputs.map((input) => [input.name, zeros(input, bucket, tokens)]);
      for (let i = 0; i < WARM_RUNS; i++) await session.run(Object.fromEntries(feeds()));
    }
  }
}

function sessionOptions(provider: OnnxProvider, intraOpThreads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
    // Threads that spin between runs would take the cores from the decoder's children.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

function assertSignature(
  graph: string,
  side: 'input' | 'output',
  stated: readonly TensorSpec[],
  actual: readonly InferenceSession.ValueMetadata[],
  exact: boolean,
): void {
  if (exact && actual.length !== stated.length) {
    throw invalid(graph, `${actual.length} ${side}s in the file, ${stated.length} stated`);
  }
  for (const spec of stated) {
    const found = actual.find((one) => one.name === spec.name);
    if (found === undefined || !found.isTensor) throw invalid(graph, `no ${side} tensor named ${spec.name}`);
    const sameShape =
      found.shape.length === spec.shape.length &&
      found.shape.every((dim, i) =>
        typeof spec.shape[i] === 'string' ? typeof dim === 'string' : dim === spec.shape[i],
      );
    if (found.type !== spec.type || !sameShape) {
      const is = `${found.type} [${found.shape}]`;
      throw invalid(graph, `${side} ${spec.name} is ${is} in the file, ${spec.type} [${spec.shape}] stated`);
    }
  }
}

function zeros(spec: TensorSpec, rows: number, tokens: number): Tensor {
  const dims = spec.shape.map((dim) => (dim === 'n' ? rows : dim === 'tokens' ? tokens : dim));
  const size = dims.reduce((product, dim) => product * dim, 1);
  switch (spec.type) {
    case 'uint8':
      return { type: 'uint8', dims, data: new Uint8Array(size) };
    case 'float32':
      return { type: 'float32', dims, data: new Float32Array(size) };
    case 'int32':
      return { type: 'int32', dims, data: new Int32Array(size) };
  }
}

function toOrt(tensor: Tensor): OrtTensor {
  switch (tensor.type) {
    case 'uint8':
      return new OrtTensor('uint8', tensor.data, tensor.dims);
    case 'float32':
      return new OrtTensor('float32', tensor.data, tensor.dims);
    case 'int32':
      return new OrtTensor('int32', tensor.data, tensor.dims);
  }
}

function fromOrt(name: string, value: OrtTensor | undefined): Tensor {
  const { data } = value ?? {};
  const dims = value?.dims ?? [];
  if (data instanceof Float32Array) return { type: 'float32', dims, data };
  if (data instanceof Int32Array) return { type: 'int32', dims, data };
  if (data instanceof Uint8Array) return { type: 'uint8', dims, data };
  throw new Error(`output ${name} is missing or of a type that bundles do not state`);
}

function invalid(graph: string, reason: string, cause?: unknown): FirstFiveError {
  return new FirstFiveError('BUNDLE_INVALID', `graph ${graph}: ${reason}`, { cause });
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
