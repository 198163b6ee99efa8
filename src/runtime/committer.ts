/**
 * Gathers what may be committed and commits it, one unit at a time.
 *
 * C1. A unit is the finished contiguous prefix of every partition, in offset order, with its next offsets.
 * C2. Emission order is checked here, where outputs are in order: what is older than an emission already made is dropped
 *     and its record counts as superseded. Work already done for the unit is kept through a failed commit (no re-decode).
 * C3. After an abort the unit is gathered anew: partitions revoked in the meantime are no longer part of it.
 * C4. After `LOG_UNAVAILABLE` nobody knows whether the unit landed: the very same unit is tried again, never a larger one,
 *     unless a partition of it was revoked; its next owner then reads what was committed.
 */
import { FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import type { OutputRecord } from '../core/record.ts';
import type { Clock } from './clock.ts';
import type { EmissionOrder } from './handler.ts';
import { compareOrder, type LatestTable } from './latest-table.ts';
import type { GroupMember, OffsetCommit } from './log.ts';
import type { FinishedTask, PartitionIntake } from './partition-intake.ts';
import type { TaskResult } from './task-result.ts';
import type { RecordOutcome, StageTelemetry } from './telemetry.ts';

export interface Settled {
  readonly finished: FinishedTask;
  readonly outcome: RecordOutcome;
}

interface Gathered {
  readonly outputs: OutputRecord[];
  readonly offsets: OffsetCommit[];
  readonly settled: Settled[];
  readonly advanced: { readonly intake: PartitionIntake; readonly count: number }[];
  readonly orders: Map<string, EmissionOrder>;
}

export class Committer {
  readonly #table: LatestTable | undefined;
  readonly #telemetry: StageTelemetry;
  readonly #clock: Clock;
  lastCommitAt: number | undefined;
  #doubtful: Gathered | undefined;

  constructor(options: { table: LatestTable | undefined; telemetry: StageTelemetry; clock: Clock }) {
    this.#table = options.table;
    this.#telemetry = options.telemetry;
    this.#clock = options.clock;
  }

  /** One commit. Empty when nothing was finished. Throws what the log throws, having changed nothing. */
  async commit(
    member: GroupMember,
    intakes: Iterable<PartitionIntake>,
    maxRecords: number,
  ): Promise<readonly Settled[]> {
    const unit = this.#doubtfulUnit() ?? this.#gather(intakes, maxRecords);
    if (unit.settled.length === 0) return [];
    const startedAt = this.#clock.now();
    try {
      await member.commit({ outputs: unit.outputs, offsets: unit.offsets });
    } catch (thrown) {
      const error = thrown instanceof FirstFiveError ? thrown : toFirstFiveError(thrown);
      this.#telemetry.commitAborted(error.code);
      // An abort speaks of this try; whether an earlier one of the same unit landed is as unknown as before.
      const isDoubtful =
        error.code === 'LOG_UNAVAILABLE' || (error.code === 'LOG_ABORTED' && unit === this.#doubtful);
      this.#doubtful = isDoubtful ? unit : undefined;
      throw error;
    }
    this.#doubtful = undefined;
    this.#table?.apply([...unit.orders.values()]);
    for (const { intake, count } of unit.advanced) intake.advance(count);
    this.lastCommitAt = this.#clock.now();
    this.#telemetry.committed(unit.outputs, (this.lastCommitAt - startedAt) / 1000);
    return unit.settled;
  }

  #doubtfulUnit(): Gathered | undefined {
    return this.#doubtful?.advanced.some(({ intake }) => intake.revoked) ? undefined : this.#doubtful;
  }

  #gather(intakes: Iterable<PartitionIntake>, maxRecords: number): Gathered {
    const unit: Gathered = { outputs: [], offsets: [], settled: [], advanced: [], orders: new Map() };
    for (const intake of intakes) {
      if (intake.revoked) continue;
      const finished = intake.frontier.finished(maxRecords - unit.settled.length);
      if (finished.length === 0) continue;
      for (const one of finished) unit.settled.push({ finished: one, outcome: this.#emit(one, unit) });
      const { topic, partition, epoch } = intake;
      unit.offsets.push({ topic, partition, epoch, offset: intake.frontier.nextAfter(finished.length) });
      unit.advanced.push({ intake, count: finished.length });
      if (unit.settled.length >= maxRecords) break;
    }
    return unit;
  }

  #emit({ result }: FinishedTask, unit: Gathered): RecordOutcome {
    for (const output of result.always) unit.outputs.push(output);
    const { order } = result;
    const outcome = outcomeOf(result);
    if (order !== undefined && this.#table !== undefined) {
      const latest = unit.orders.get(order.id) ?? this.#table.get(order.id);
      if (latest !== undefined && compareOrder(order, latest) < 0) {
        return outcome === 'emitted' ? 'superseded' : outcome;
      }
      unit.orders.set(order.id, order);
    }
    for (const output of result.outputs) unit.outputs.push(output);
    return outcome;
  }
}

function outcomeOf({ error, isParked }: TaskResult): RecordOutcome {
  if (isParked === true) return 'retried';
  return error === undefined ? 'emitted' : 'dead-lettered';
}
