/**
 * How inference is laid out on a machine: workers, threads, prepared batch sizes, and when batches leave.
 *
 * On a CPU joining uploads does not pay for the graphs that ship: an upload costs the least CPU when it runs alone
 * (larger activations leave the caches), and two single-threaded workers do more than one with two threads. So the
 * CPU's profile is one single-threaded worker per core, one upload per batch, no waiting. A worker keeps about 330 MB of
 * arena and weights, hence the ceiling. docs/specs/bundle.md has the numbers and how they were measured.
 */
import type { BatchPolicy } from '../../core/batch-policy.ts';
import type { BundleManifest, GraphManifest } from '../../core/bundle.ts';
import type { ExtractionPlan } from '../../core/extraction.ts';
import { maxFrames } from '../../core/plan/budget.ts';
import { groupSize } from '../../core/plan/view.ts';
import type { OnnxProvider } from './providers.ts';

/** `remote`: a server of the Open Inference Protocol does the work. */
export type InferencePlacement = OnnxProvider | 'remote';

export interface InferenceProfile {
  readonly workers: number;
  readonly intraOpThreads: number;
  /** Prepared batch sizes by graph: the bundle's, without those that no batch will reach. */
  readonly buckets: Readonly<Record<string, readonly number[]>>;
  readonly policies: Readonly<Record<string, BatchPolicy>>;
}

/** What a configuration may set; the rest follows the provider and the machine. */
export interface ProfileOverrides {
  readonly workers?: number | undefined;
  readonly intraOpThreads?: number | undefined;
  readonly maxRows?: number | undefined;
  readonly maxDelayMs?: number | undefined;
}

const MAX_CPU_WORKERS = 8;
const GPU_MAX_DELAY_MS = 5;
/** Calls under way to a server: enough to hide the way there and back. */
const REMOTE_CALLS = 4;
const MAX_ITEMS = 256;
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

export function inferenceProfile(
  manifest: Pick<BundleManifest, 'graphs' | 'extractionPlan'>,
  machine: { readonly provider: InferencePlacement; readonly cores: number },
  overrides: ProfileOverrides = {},
): InferenceProfile {
  const onCpu = machine.provider === 'cpu';
  const workers = overrides.workers ?? defaultWorkers(machine);
  const buckets: Record<string, readonly number[]> = {};
  const policies: Record<string, BatchPolicy> = {};
  for (const [name, graph] of Object.entries(manifest.graphs)) {
    const perUpload = rowsPerUpload(graph, manifest.extractionPlan);
    const largest = Math.max(...graph.buckets);
    const maxRows = Math.max(perUpload, overrides.maxRows ?? (onCpu ? perUpload : largest));
    buckets[name] = graph.buckets.filter((_size, i) => i === 0 || (graph.buckets[i - 1] ?? 0) < maxRows);
    policies[name] = {
      maxItems: MAX_ITEMS,
      maxRows: Math.min(maxRows, Math.max(largest, perUpload)),
      maxBytes: MAX_BATCH_BYTES,
      maxDelayMs: overrides.maxDelayMs ?? (onCpu ? 0 : GPU_MAX_DELAY_MS),
      // On a GPU one batch is copied in while another computes.
      maxInFlight: onCpu ? workers : workers + 1,
    };
  }
  return { workers, intraOpThreads: overrides.intraOpThreads ?? 1, buckets, policies };
}

function defaultWorkers({
  provider,
  cores,
}: {
  readonly provider: InferencePlacement;
  readonly cores: number;
}): number {
  if (provider === 'remote') return REMOTE_CALLS;
  return provider === 'cpu' ? Math.min(MAX_CPU_WORKERS, Math.max(1, cores)) : 1;
}

/** Of one run: a graph over frames or a view gets all of its rows, a graph over features with occlusion one row for each that is taken away. */
function rowsPerUpload(graph: GraphManifest, { video, views = {} }: ExtractionPlan): number {
  if (graph.occlusion !== undefined) return graph.occlusion.length + 2;
  const rows = graph.inputs.map(({ name }) => {
    const view = views[name];
    if (view !== undefined) return Math.ceil(maxFrames(view) / groupSize(view.select));
    return name === 'frames' ? video.select.atMs.length : 1;
  });
  return Math.max(1, ...rows);
}
