/**
 * A topology as a value: stages, topics, bundle, policies. It can be checked, printed and driven in memory before
 * anything connects. `config/topology-file.ts` reads one from YAML; nothing here does I/O.
 *
 * T1. Each stage has one input topic and its own consumer group, which may read side inputs as well (`side-inputs.ts`).
 * T2. A stage that writes the guarded topic (the ranking topic) reads an input with the same number of partitions, so that
 *     one member owns an upload's past scores and its next ones. The same goes for the last output of a stage with retry
 *     topics: what comes back from there may be older than what was emitted meanwhile.
 */
import { FirstFiveError } from '../core/errors.ts';
import type { TopicSpec } from './log.ts';
import { type RetryTier, sharedSideInputs, sideInputProblems, sideInputs } from './side-inputs.ts';

export const STEPS = ['extract', 'embed', 'score'] as const;
export type Step = (typeof STEPS)[number];

export const DELIVERIES = ['exactly-once', 'at-least-once'] as const;
export type Delivery = (typeof DELIVERIES)[number];

export interface RetryPolicy {
  /** Attempts in place, the first one included. Each retry topic gives one more. */
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
}

export interface CommitPolicy {
  /** Longest time that a finished record waits for its commit. */
  readonly intervalMs: number;
  /** Records that trigger a commit at once. */
  readonly maxRecords: number;
}

/** Bounds on what a stage holds: records and bytes taken in but not yet committed, and records worked on at once. */
export interface IntakePolicy {
  readonly concurrency: number;
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
}

export interface WatchdogPolicy {
  /** A record attempt that takes longer is abandoned as `STEP_TIMEOUT`. */
  readonly attemptDeadlineMs: number;
  /** Lag without a commit for longer is unhealthy. */
  readonly commitDeadlineMs: number;
}

export interface StageSpec {
  readonly name: string;
  /** Run one after the other in memory; a stage of one step is a staged topology's, of all three the fused one's. */
  readonly steps: readonly Step[];
  readonly groupId: string;
  readonly input: string;
  /** Where each step's result goes; a step without an entry hands over in memory only. */
  readonly outputs: Readonly<Partial<Record<Step, string>>>;
  readonly deadLetters: string;
  /** Where records wait that outlast the attempts in place, shortest delay first; without any, they are dead letters. */
  readonly retryTiers?: readonly RetryTier[];
  /** Ready-made score records to be written to the ranking topic, unless something newer was. */
  readonly publish?: string;
  readonly intake: IntakePolicy;
  readonly commit: CommitPolicy;
  readonly retry: RetryPolicy;
  readonly watchdog: WatchdogPolicy;
}

/** What is left out follows the execution provider and the machine. */
export interface InferencePolicy {
  readonly workers?: number | undefined;
  readonly intraOpThreads?: number | undefined;
  /** Rows of several uploads are joined up to so many, or for so long. */
  readonly maxRows?: number | undefined;
  readonly maxDelayMs?: number | undefined;
}

export interface Topology {
  readonly name: string;
  /** `name` or `name@version`. */
  readonly bundle: string;
  readonly delivery: Delivery;
  readonly topics: readonly TopicSpec[];
  readonly stages: readonly StageSpec[];
  readonly decoders: number;
  /** Whether extractions are kept in the object store and looked up there. */
  readonly extractionCache?: boolean;
  readonly inference: InferencePolicy;
}

/** Everything wrong with a topology, as sentences; empty when it can run. */
export function topologyProblems(topology: Topology): readonly string[] {
  const problems: string[] = [];
  const topics = new Map(topology.topics.map((topic) => [topic.name, topic]));
  if (topics.size !== topology.topics.length) problems.push('a topic is declared twice');
  if (topology.stages.length === 0) problems.push('there is no stage');
  for (const stage of topology.stages) problems.push(...stageProblems(stage, topics));
  for (const [what, pick] of [
    ['name', (s: StageSpec) => s.name],
    ['group', (s: StageSpec) => s.groupId],
  ] as const) {
    const seen = topology.stages.map(pick);
    for (const value of new Set(seen.filter((v, i) => seen.indexOf(v) !== i))) {
      problems.push(`two stages share the ${what} ${value}`);
    }
  }
  problems.push(...sharedSideInputs(topology.stages), ...cycleProblems(topology.stages));
  return problems;
}

export function requireRunnable(topology: Topology): void {
  const problems = topologyProblems(topology);
  if (problems.length > 0) {
    throw new FirstFiveError('TOPOLOGY_INVALID', `topology ${topology.name}: ${problems.join('; ')}`);
  }
}

function stageProblems(stage: StageSpec, topics: ReadonlyMap<string, TopicSpec>): string[] {
  const problems: string[] = [];
  const at = `stage ${stage.name}`;
  const wanted = [stage.input, stage.deadLetters, ...Object.values(stage.outputs), ...sideInputs(stage)];
  for (const name of wanted) {
    if (!topics.has(name)) problems.push(`${at} names topic ${name}, which is not declared`);
  }
  if (stage.steps.length === 0) problems.push(`${at} has no steps`);
  if (!isContiguous(stage.steps))
    problems.push(`${at} must run its steps in the order ${STEPS.join(', ')}, leaving none out`);
  const last = stage.steps.at(-1);
  if (last !== undefined && stage.outputs[last] === undefined)
    problems.push(`${at} has no output for its last step, ${last}`);
  for (const step of Object.keys(stage.outputs)) {
    if (!stage.steps.includes(step as Step))
      problems.push(`${at} has an output for ${step}, which it does not run`);
  }
  const guarded = topics.get(guardedTopic(stage) ?? '');
  const input = topics.get(stage.input);
  if (guarded !== undefined && input !== undefined && guarded.partitions !== input.partitions) {
    problems.push(`${at}: ${input.name} and ${guarded.name} must have the same number of partitions (T2)`);
  }
  problems.push(...sideInputProblems(stage, topics), ...sizeProblems(stage, topics));
  return problems;
}

/** What failed is written once more, with headers on top: there must be room, or it could go nowhere. */
const PROVENANCE_BYTES = 16 * 1024;

function sizeProblems(stage: StageSpec, topics: ReadonlyMap<string, TopicSpec>): string[] {
  const limitOf = (name: string) => topics.get(name)?.maxRecordBytes;
  const { input, publish, deadLetters, outputs, retryTiers = [] } = stage;
  const largest = Math.max(...[input, publish ?? input].map((name) => limitOf(name) ?? 0));
  const needed = [deadLetters, ...retryTiers.map(({ topic }) => topic)].map(
    (name) => [name, largest + PROVENANCE_BYTES] as const,
  );
  if (publish !== undefined && outputs.score !== undefined)
    needed.push([outputs.score, limitOf(publish) ?? 0]);
  return needed
    .filter(([name, bytes]) => (limitOf(name) ?? Infinity) < bytes)
    .map(
      ([name, bytes]) => `stage ${stage.name}: ${name} must take records of ${bytes} bytes (maxRecordBytes)`,
    );
}

export function writtenTopics({ outputs, deadLetters, retryTiers = [] }: StageSpec): readonly string[] {
  return [...new Set([...Object.values(outputs), deadLetters, ...retryTiers.map(({ topic }) => topic)])];
}

/**
 * The topic in which a lower revision must never follow a higher one, although the stage may finish them so: the ranking
 * topic, or the last output of a stage whose records can come back late from its retry topics.
 */
export function guardedTopic({ outputs, steps, retryTiers = [] }: StageSpec): string | undefined {
  if (outputs.score !== undefined) return outputs.score;
  const last = steps.at(-1);
  return retryTiers.length === 0 || last === undefined ? undefined : outputs[last];
}

function isContiguous(steps: readonly Step[]): boolean {
  const first = STEPS.indexOf(steps[0] ?? 'extract');
  return steps.every((step, i) => STEPS[first + i] === step);
}

function cycleProblems(stages: readonly StageSpec[]): string[] {
  const next = new Map<string, string[]>();
  for (const stage of stages) {
    const outs = next.get(stage.input) ?? [];
    outs.push(...Object.values(stage.outputs));
    next.set(stage.input, outs);
  }
  const open = new Set<string>();
  const done = new Set<string>();
  const loops = (topic: string): boolean => {
    if (open.has(topic)) return true;
    if (done.has(topic)) return false;
    open.add(topic);
    const found = (next.get(topic) ?? []).some(loops);
    open.delete(topic);
    done.add(topic);
    return found;
  };
  return [...next.keys()].some(loops) ? ['the stages form a cycle'] : [];
}
