/** Port: runs one upload's rows through a graph; whoever implements it may join rows of several uploads into a batch. */
import type { Lane } from '../../core/upload.ts';
import type { NamedTensors } from './inference.ts';

export interface RunOptions {
  readonly lane?: Lane;
  readonly signal?: AbortSignal | undefined;
}

export interface GraphRunner {
  readonly executionProvider: string;
  /**
   * Rows in, the same number of rows out, in the same order. The inputs are read before the promise settles and never
   * changed. Fails for this upload only: `INFERENCE_FAILED` when the graph fails on it, `VALUE_NOT_FINITE` when it
   * gives NaN or an infinity for one of its rows.
   */
  run(graph: string, rows: NamedTensors, options?: RunOptions): Promise<NamedTensors>;
}
