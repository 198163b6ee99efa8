/**
 * A topology under chaos: synthetic uploads with duplicates, older revisions after newer ones, rejections and retries, while
 * workers crash, freeze and lose their log; then a check of what became of each.
 */
import { toFirstFiveError } from '../core/errors.ts';
import { seededRandom } from '../core/random.ts';
import type { Log } from '../runtime/log.ts';
import type { StageSpec, Topology } from '../runtime/topology.ts';
import { CHAOS, type FaultRates } from './fault-rates.ts';
import { type SyntheticUpload, syntheticHandler, syntheticRecord } from './synthetic-handler.ts';
import { TopologyDriver } from './topology-driver.ts';

export interface ExerciseOptions {
  readonly topology: Topology;
  readonly seed: number;
  /** Upload events put in; 60 when absent. */
  readonly uploads?: number;
  /** Members of each group; 3 when absent. */
  readonly workers?: number;
  /** `CHAOS` when absent. */
  readonly faults?: FaultRates;
  readonly connect?: (log: Log, slot: string) => Log;
}

export interface ExerciseReport {
  readonly topology: string;
  readonly seed: number;
  readonly uploads: number;
  readonly emitted: number;
  readonly deadLettered: number;
  /** Faults and restarts that happened. */
  readonly incidents: number;
  /** Virtual milliseconds that the run took. */
  readonly virtualMs: number;
  /** What was lost, doubled or out of order; empty when all is well. */
  readonly problems: readonly string[];
  readonly journal: readonly string[];
}

const CHAOTIC_MS = 40_000;
/** Longer than any chain of retry tiers that a topology is likely to have. */
const LONGEST_REST_MS = 6 * 3_600_000;
const SHORT_RETRY_MS = 20_000;
const MAX_WORK_MS = 400;
/** Keys are few, so that revisions of one upload meet. */
const UPLOADS_PER_KEY = 4;

export async function exerciseTopology(options: ExerciseOptions): Promise<ExerciseReport> {
  const { topology, seed, uploads = 60, workers = 3, faults = CHAOS, connect } = options;
  const driver = new TopologyDriver({
    topology: withShortRetries(topology),
    seed,
    workers,
    faults,
    maxWorkMs: MAX_WORK_MS,
    handlerOf: syntheticHandler,
    ...(connect === undefined ? {} : { connect }),
  });
  const startedAt = driver.clock.now();
  const random = seededRandom(seed ^ 0x5eed);
  const stuck = await spreadOver(driver, entryTopics(topology), syntheticUploads(uploads, random), random);
  const ends = topology.stages.flatMap(({ outputs }) => outputs.score ?? []);
  return {
    topology: topology.name,
    seed,
    uploads,
    emitted: ends.reduce((sum, topic) => sum + driver.records(topic).length, 0),
    deadLettered: driver.deadLetters().length,
    incidents: driver.journal.length,
    virtualMs: driver.clock.now() - startedAt,
    problems: [...stuck, ...driver.problems()],
    journal: driver.journal,
  };
}

/** Pipes the uploads in over the chaotic time, then lets everything come to rest. */
async function spreadOver(
  driver: TopologyDriver,
  topics: readonly string[],
  uploads: readonly SyntheticUpload[],
  random: () => number,
): Promise<readonly string[]> {
  for (const upload of uploads) {
    for (const topic of topics) driver.pipe(topic, [syntheticRecord(upload)]);
    await driver.advance((random() * 2 * CHAOTIC_MS) / uploads.length);
  }
  driver.calm();
  try {
    await driver.settle(LONGEST_REST_MS);
    return [];
  } catch (thrown) {
    return [toFirstFiveError(thrown).message];
  }
}

/** A retry topic is tried as well in a minute as in half an hour, for a thirtieth of the steps. */
function withShortRetries(topology: Topology): Topology {
  const stages = topology.stages.map((stage): StageSpec => {
    const { retryTiers } = stage;
    if (retryTiers === undefined) return stage;
    const shorter = retryTiers.map((tier, i) => ({
      ...tier,
      delayMs: Math.min(tier.delayMs, (i + 1) * SHORT_RETRY_MS),
    }));
    return { ...stage, retryTiers: shorter };
  });
  return { ...topology, stages };
}

/** Topics that stages read and none writes. */
export function entryTopics(topology: Topology): readonly string[] {
  const written = new Set(topology.stages.flatMap(({ outputs }) => Object.values(outputs)));
  return [...new Set(topology.stages.map(({ input }) => input))].filter((topic) => !written.has(topic));
}

/** One in ten is an event sent twice, one in eight is rejected; revisions mostly grow. */
function syntheticUploads(count: number, random: () => number): readonly SyntheticUpload[] {
  const uploads: SyntheticUpload[] = [];
  while (uploads.length < count) {
    const before = uploads.at(-1);
    if (before !== undefined && random() < 0.1) {
      uploads.push(before);
      continue;
    }
    const draw = random();
    uploads.push({
      id: `upload-${Math.floor((random() * count) / UPLOADS_PER_KEY)}`,
      revision: Math.max(0, Math.floor(uploads.length / UPLOADS_PER_KEY + (random() - 0.7) * 6)),
      fate: draw < 0.08 ? 'corrupt' : draw < 0.12 ? 'changed' : 'scored',
    });
  }
  return uploads;
}
