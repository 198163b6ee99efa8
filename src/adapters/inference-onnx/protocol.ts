/**
 * What travels between the pool and a worker thread.
 *
 * W1. A worker holds one job at a time; it answers each job exactly once, or dies.
 * W2. Tensor buffers are transferred in both directions, never copied.
 * W3. A worker says `ready` or `refused` once, before any job.
 * W4. A worker ends itself, on `close`, between native calls. `Worker.terminate()` during a native call makes the
 *     binding throw a C++ exception that nothing catches, and the whole process aborts (see native-gate.ts).
 */
import type { GraphManifest } from '../../core/bundle.ts';
import type { NamedTensors } from '../../stages/embed/inference.ts';
import type { OnnxProvider } from './providers.ts';

/** A graph as a worker loads it: the bytes are read and their hash checked in the worker. */
export interface WorkerGraph extends GraphManifest {
  readonly path: string;
}

export interface WorkerSetup {
  readonly provider: OnnxProvider;
  readonly intraOpThreads: number;
  readonly graphs: Readonly<Record<string, WorkerGraph>>;
}

export interface WorkerStart {
  readonly setup: WorkerSetup;
  /** Buffer of the worker's `NativeGate`. */
  readonly gate: SharedArrayBuffer;
}

export interface RunRequest {
  readonly kind: 'run';
  readonly graph: string;
  readonly inputs: NamedTensors;
}

export type WorkerRequest = RunRequest | { readonly kind: 'close' };

export type WorkerReply =
  | { readonly kind: 'ready'; readonly startMs: number }
  /** A graph is not what its bundle states. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'done'; readonly outputs: NamedTensors }
  | { readonly kind: 'failed'; readonly message: string };

export function transferList(tensors: NamedTensors): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of Object.values(tensors)) {
    if (data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  }
  return [...buffers];
}
