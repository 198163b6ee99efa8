/** `GraphRunner` over `Inference`: one batcher per graph joins rows of several uploads, and each gets its own back. */
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
import { byteCount, findNotFinite, joinRows, rowCount, viewRows } from './tensor-rows.ts';

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
  const batchers = new Map<string, RowBatcher>(
    Object.entries(policies).map(([graph, policy]) => [
      graph,
      createBatcher<NamedTensors, NamedTensors>({
        policy,
        measure: (rows) => ({ rows: rowCount(rows), bytes: byteCount(rows) }),
        run: (entries) => runBatch(inference, graph, entries),
        onBatch: (report) => onBatch?.(graph, report),
      }),
    ]),
  );
  const all = [...batchers.values()];
  return {
    executionProvider: inference.executionProvider,
    run: async (graph, rows, options) => {
      const batcher = batchers.get(graph);
      if (batcher === undefined)
        throw new FirstFiveError('INFERENCE_FAILED', `the bundle has no graph ${graph}`);
      return batcher.submit(rows, options);
    },
    depth: () =>
      all.reduce(
        (sum, batcher) => {
          const { waiting, inFlight } = batcher.depth();
          return { waiting: sum.waiting + waiting, inFlight: sum.inFlight + inFlight };
        },
        { waiting: 0, inFlight: 0 },
      ),
    close: async (mode) => {
      await Promise.all(all.map((batcher) => batcher.close(mode)));
    },
  };
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
