/**
 * `GraphRunner` over `Inference`: joins rows of several uploads into a batch, and each upload gets its own back.
 *
 * One batcher per graph and row shape: texts of one length join, those of another form batches of their own. A bundle has few
 * shapes, since rows are padded to the lengths that it prepares.
 */
import type { BatchPolicy } from '../../core/batch-policy.ts';
import { FirstFiveError } from '../../core/errors.ts';
import {
  type BatchEntry,
  type Batcher,
  type BatchOutcome,
  type BatchReport,
  createBatcher,
} from '../../runtime/batcher.ts';
import type { GraphRunner } from '../../stages/embed/graph-runner.ts';
import type { Inference, NamedTensors } from '../../stages/embed/inference.ts';
import { byteCount, findNotFinite, joinRows, rowCount, viewRows } from '../../stages/embed/tensor-rows.ts';

export interface BatchingRunnerOptions {
  readonly inference: Inference;
  /** One policy per graph of the bundle. */
  readonly policies: Readonly<Record<string, BatchPolicy>>;
  onBatch?(graph: string, report: BatchReport): void;
}

export interface BatchingRunner extends GraphRunner {
  depth(): { readonly waiting: number; readonly inFlight: number };
  /** Ends the batchers, not the inference behind them. */
  close(mode: 'drain' | 'reject'): Promise<void>;
}

type RowBatcher = Batcher<NamedTensors, NamedTensors>;

export function createBatchingRunner({
  inference,
  policies,
  onBatch,
}: BatchingRunnerOptions): BatchingRunner {
  const batchers = new Map<string, RowBatcher>();
  let closed = false;

  function batcherOf(graph: string, rows: NamedTensors): RowBatcher {
    const key = `${graph} ${rowShape(rows)}`;
    const found = batchers.get(key);
    if (found !== undefined) return found;
    const policy = policies[graph];
    if (policy === undefined)
      throw new FirstFiveError('INFERENCE_FAILED', `the bundle has no graph ${graph}`);
    if (closed)
      throw new FirstFiveError('INFERENCE_FAILED', 'the batching runner is closed', { kind: 'systemic' });
    const batcher = createBatcher<NamedTensors, NamedTensors>({
      policy,
      measure: (some) => ({ rows: rowCount(some), bytes: byteCount(some) }),
      run: (entries) => runBatch(inference, graph, entries),
      onBatch: (report) => onBatch?.(graph, report),
    });
    batchers.set(key, batcher);
    return batcher;
  }

  return {
    executionProvider: inference.executionProvider,
    run: async (graph, rows, options) => batcherOf(graph, rows).submit(rows, options),
    depth: () =>
      [...batchers.values()].reduce(
        (sum, batcher) => {
          const { waiting, inFlight } = batcher.depth();
          return { waiting: sum.waiting + waiting, inFlight: sum.inFlight + inFlight };
        },
        { waiting: 0, inFlight: 0 },
      ),
    close: async (mode) => {
      closed = true;
      await Promise.all([...batchers.values()].map((batcher) => batcher.close(mode)));
    },
  };
}

/** Dims behind the batch, tensor by tensor: rows join when it is the same. */
function rowShape(rows: NamedTensors): string {
  return Object.values(rows)
    .map(({ dims }) => dims.slice(1).join('x'))
    .join(' ');
}

async function runBatch(
  inference: Inference,
  graph: string,
  entries: readonly BatchEntry<NamedTensors>[],
): Promise<ReadonlyMap<number, BatchOutcome<NamedTensors>>> {
  const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
  // Copied, since inference takes the buffers over and a failed batch is run again in halves.
  const inputs = joinRows(
    entries.map((entry) => entry.input),
    rows,
  );
  const outputs = await inference.run(graph, inputs);
  const outcomes = new Map<number, BatchOutcome<NamedTensors>>();
  let from = 0;
  for (const entry of entries) {
    outcomes.set(entry.id, rowOutcome(graph, viewRows(outputs, from, entry.rows)));
    from += entry.rows;
  }
  return outcomes;
}

function rowOutcome(graph: string, value: NamedTensors): BatchOutcome<NamedTensors> {
  const bad = findNotFinite(value);
  if (bad === undefined) return { ok: true, value };
  const message = `graph ${graph} gives a value of ${bad} that is not finite`;
  return { ok: false, error: new FirstFiveError('VALUE_NOT_FINITE', message, { stage: 'embed' }) };
}
