/**
 * The state of backfills, folded from the records of the control topic: a compacted topic with JSON values and the keys
 * `RUN/PART`. Each part has one writer at a time, so that no writer undoes what another one said.
 *
 * | part | written by | when |
 * |---|---|---|
 * | `plan` | `backfill plan`, or `run` for a plan from a file | once |
 * | `identity` | the first process that runs it | once |
 * | `wanted` | `pause`, `resume`, `run` | at each call |
 * | `process.SLOT` | the running process | at the start, every two seconds, at the end |
 * | `progress.SLOT` | the running process | in the transaction of each commit |
 * | `receipt` | the process that found nothing left | once |
 *
 * F1. What cannot be read (a newer version's part, damaged bytes) is passed over: status must not fail on it.
 */
import { z } from 'zod';
import { type BackfillPlan, parsePlan } from './backfill-plan.ts';
import {
  addCounts,
  type BackfillCounts,
  type BackfillProgress,
  NO_COUNTS,
  progressSchema,
} from './backfill-progress.ts';
import { type Receipt, receiptSchema } from './receipt.ts';

const identitySchema = z.strictObject({
  bundle: z.string(),
  bundleDigest: z.string(),
  extractionPlanDigest: z.string(),
  calibrationDigest: z.string(),
  /** `none` where nothing is decoded. */
  decoderBuild: z.string(),
  startedAt: z.number(),
});
const wantedSchema = z.strictObject({ state: z.enum(['run', 'pause']), at: z.number() });
const processSchema = z.strictObject({
  state: z.enum(['running', 'stopped']),
  pid: z.number().int(),
  host: z.string(),
  startedAt: z.number(),
  at: z.number(),
  recordsPerSecond: z.number().nullable(),
});

export type RunIdentity = Readonly<z.infer<typeof identitySchema>>;
export type RunWanted = Readonly<z.infer<typeof wantedSchema>>;
export type RunProcess = Readonly<z.infer<typeof processSchema>>;

export interface BackfillState {
  readonly run: string;
  readonly plan: BackfillPlan | undefined;
  readonly identity: RunIdentity | undefined;
  readonly wanted: RunWanted | undefined;
  /** By slot. */
  readonly processes: ReadonlyMap<string, RunProcess>;
  readonly progress: ReadonlyMap<string, BackfillProgress>;
  readonly receipt: Receipt | undefined;
}

export type ControlPart =
  | 'plan'
  | 'identity'
  | 'wanted'
  | 'receipt'
  | `process.${string}`
  | `progress.${string}`;

export function controlKey(run: string, part: ControlPart): string {
  return `${run}/${part}`;
}

/** `text` null: the part was removed. The same map when the record says nothing (F1). */
export function foldControl(
  states: ReadonlyMap<string, BackfillState>,
  key: string,
  text: string | null,
): ReadonlyMap<string, BackfillState> {
  const slash = key.indexOf('/');
  if (slash < 1) return states;
  const run = key.slice(0, slash);
  const change =
    text === null ? undefined : changeOf(states.get(run) ?? emptyState(run), key.slice(slash + 1), text);
  return change === undefined ? states : new Map(states).set(run, change);
}

export type RunPhase = 'planned' | 'running' | 'paused' | 'finished' | 'interrupted';

/** How long after its last word a process counts as gone. Clocks of machines differ; this is far above what NTP leaves. */
export const SILENT_AFTER_MS = 10_000;

export function phaseOf(state: BackfillState, now: number): RunPhase {
  if (state.receipt !== undefined) return 'finished';
  if (state.identity === undefined) return 'planned';
  const isAlive = [...state.processes.values()].some(
    (process) => process.state === 'running' && now - process.at <= SILENT_AFTER_MS,
  );
  if (!isAlive) return 'interrupted';
  return state.wanted?.state === 'pause' ? 'paused' : 'running';
}

/** Over all slots. */
export function countsOf(state: BackfillState): BackfillCounts {
  return [...state.progress.values()].reduce((sum, { counts }) => addCounts(sum, counts), NO_COUNTS);
}

function emptyState(run: string): BackfillState {
  return {
    run,
    plan: undefined,
    identity: undefined,
    wanted: undefined,
    processes: new Map(),
    progress: new Map(),
    receipt: undefined,
  };
}

function changeOf(state: BackfillState, part: string, text: string): BackfillState | undefined {
  try {
    if (part === 'plan') return { ...state, plan: parsePlan(text) };
    const value: unknown = JSON.parse(text);
    if (part === 'identity') return { ...state, identity: identitySchema.parse(value) };
    if (part === 'wanted') return { ...state, wanted: wantedSchema.parse(value) };
    if (part === 'receipt') return { ...state, receipt: receiptSchema.parse(value) };
    if (part.startsWith('process.')) {
      return { ...state, processes: new Map(state.processes).set(part.slice(8), processSchema.parse(value)) };
    }
    if (part.startsWith('progress.')) {
      return { ...state, progress: new Map(state.progress).set(part.slice(9), progressSchema.parse(value)) };
    }
  } catch {
    // F1
  }
  return undefined;
}
