/** Port: inference. Adapters: `inference-onnx` (worker threads), `inference-remote`. */

export type Tensor =
  | { readonly type: 'uint8'; readonly dims: readonly number[]; readonly data: Uint8Array }
  | { readonly type: 'float32'; readonly dims: readonly number[]; readonly data: Float32Array }
  | { readonly type: 'int32'; readonly dims: readonly number[]; readonly data: Int32Array };

export type NamedTensors = Readonly<Record<string, Tensor>>;

export interface Inference {
  /** The execution provider in use, as the records state it: `cpu`, `cuda`, ... */
  readonly executionProvider: string;
  /**
   * Runs a graph of the loaded bundle once on a batch: the first dimension of every tensor is the batch, of any size.
   * Padding to a bucket and splitting over the largest one is the adapter's business and never shows in the outputs.
   * Input buffers are handed over (their ArrayBuffers may be transferred and are then empty for the caller).
   * `INFERENCE_FAILED` when the graph fails on these inputs; rejects with the signal's reason when aborted.
   */
  run(graph: string, inputs: NamedTensors, signal?: AbortSignal): Promise<NamedTensors>;
  /** Ends the workers. Runs under way fail. Idempotent. */
  close(): Promise<void>;
}
