/** How a record's work can end, and the results that stand for a failure: a dead letter, or a place in a retry topic. */
import { deadLetterRecord } from '../core/dead-letter.ts';
import { FirstFiveError } from '../core/errors.ts';
import { type OutputRecord, recordBytes, type StreamRecord } from '../core/record.ts';
import { retryRecord } from '../core/retry-record.ts';
import type { Lane } from '../core/upload.ts';
import type { Clock } from './clock.ts';
import type { Deadlines } from './deadlines.ts';
import type { EmissionOrder, RecordHandler } from './handler.ts';
import type { IntakeGate } from './intake-gate.ts';
import type { StageTelemetry } from './telemetry.ts';
import type { StageSpec } from './topology.ts';

export interface TaskResult {
  /** Dropped when `order` turns out to be superseded at the commit. */
  readonly outputs: readonly OutputRecord[];
  /** Emitted in any case: dead letters, and what goes to a retry topic. */
  readonly always: readonly OutputRecord[];
  readonly order: EmissionOrder | undefined;
  readonly error: FirstFiveError | undefined;
  /** Not given up: it waits in a retry topic. */
  readonly isParked?: boolean;
}

/** What happened to a record before it came out of a retry topic. */
export interface EarlierAttempts {
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly firstFailureAt: number | undefined;
  /** Index of the retry topic that it comes out of. */
  readonly tier: number;
}

export interface TaskEnvironment {
  readonly spec: StageSpec;
  readonly lane: Lane;
  readonly handler: RecordHandler;
  readonly gate: IntakeGate;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly random: () => number;
  readonly telemetry: StageTelemetry;
  /** Largest record by topic, where there is a limit. */
  readonly maxRecordBytes?: ReadonlyMap<string, number>;
}

export interface Failure {
  readonly error: FirstFiveError;
  /** Spent, over all tiers. */
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly firstFailureAt: number;
}

/** Waits in the retry topic of that index; given up where there is none. */
export function parkedResult(
  record: StreamRecord,
  env: TaskEnvironment,
  failure: Failure & { readonly tier: number },
): TaskResult {
  const { error, attempts, firstFailureAt, tier } = failure;
  const to = env.spec.retryTiers?.[tier];
  if (to === undefined) return rejectedResult(record, env, failure);
  const parked = retryRecord(record, {
    ...{ ...to, tier: tier + 1, code: error.code, attempts, firstFailureAt },
    lastFailureAt: env.clock.now(),
  });
  return { outputs: [], always: [parked], order: undefined, error, isParked: true };
}

/** Given up: a dead letter, with what the handler has for ranking beside it. */
export function rejectedResult(record: StreamRecord, env: TaskEnvironment, failure: Failure): TaskResult {
  const { spec, clock, handler, lane } = env;
  const { error, attempts, firstFailureAt } = failure;
  const letter = deadLetterRecord(record, {
    topic: spec.deadLetters,
    stage: error.stage ?? spec.name,
    ...{ code: error.code, message: error.message, attempts, firstFailureAt },
    lastFailureAt: clock.now(),
  });
  const base = handler.rejected(record, error, lane);
  return { outputs: base?.outputs ?? [], always: [letter], order: base?.order, error };
}

/** What is wrong with outputs that their topics would not take. */
export function unfitFor(
  maxRecordBytes: ReadonlyMap<string, number> | undefined,
  outputs: readonly OutputRecord[],
): FirstFiveError | undefined {
  if (maxRecordBytes === undefined) return undefined;
  for (const output of outputs) {
    const limit = maxRecordBytes.get(output.topic);
    if (limit === undefined || recordBytes(output) <= limit) continue;
    return new FirstFiveError(
      'RECORD_TOO_LARGE',
      `its result has ${recordBytes(output)} bytes, and ${output.topic} takes ${limit}`,
    );
  }
  return undefined;
}
