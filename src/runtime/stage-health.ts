/** Health of one running stage, from our own frontier and the log's end offsets: never from what a broker believes. */
import { partitionKey } from '../core/record.ts';
import type { PartitionProgress, StageHealth } from './health.ts';
import type { PartitionIntake } from './partition-intake.ts';
import type { StageRunner } from './stage-runner.ts';

/** `ends`: end offset by topic partition, as last read from the log. */
export function stageHealth(runner: StageRunner, ends: ReadonlyMap<string, bigint>): StageHealth {
  const { spec, lane, clock } = runner.options;
  const now = clock.now();
  const partitions = [...runner.inFlight.intakes.values()].map((intake) =>
    partitionProgress(intake, {
      ends,
      now,
      waitingUntil: runner.retries?.waitingUntil(intake),
      caughtUpTo: runner.caughtUpTo(intake),
    }),
  );
  const { lastCommitAt } = runner.committer;
  return {
    name: spec.name,
    lane,
    state: runner.state,
    reasons: unhealthyReasons(runner, partitions, now),
    inFlight: runner.inFlight.records,
    inFlightBytes: runner.inFlight.bytes,
    waiting: partitions.reduce((sum, at) => sum + at.waiting, 0),
    lastCommitAgeMs: lastCommitAt === undefined ? null : now - lastCommitAt,
    partitions,
  };
}

interface Observed {
  readonly ends: ReadonlyMap<string, bigint>;
  readonly now: number;
  /** Of a retry topic's partition: when its head falls due. */
  readonly waitingUntil: number | undefined;
  /** Where nothing is left before this offset, although the position is lower. */
  readonly caughtUpTo: bigint | undefined;
}

function partitionProgress(
  intake: PartitionIntake,
  { ends, now, waitingUntil, caughtUpTo = -1n }: Observed,
): PartitionProgress {
  const end = ends.get(partitionKey(intake)) ?? intake.position;
  const { oldest } = intake;
  const lag = caughtUpTo >= end ? 0 : Math.max(0, Number(end - intake.position));
  return {
    topic: intake.topic,
    partition: intake.partition,
    position: String(intake.position),
    end: String(end),
    lag,
    waiting: waitingUntil === undefined ? 0 : Math.max(0, lag - intake.heldRecords),
    waitingUntil: waitingUntil === undefined ? null : new Date(waitingUntil).toISOString(),
    oldestUnfinished:
      oldest === undefined
        ? null
        : {
            offset: String(oldest.offset),
            step: oldest.task.step,
            attempt: oldest.task.attempt,
            ageMs: now - oldest.task.startedAt,
          },
  };
}

function unhealthyReasons(
  runner: StageRunner,
  partitions: readonly PartitionProgress[],
  now: number,
): string[] {
  const reasons: string[] = [];
  if (runner.failure !== undefined)
    reasons.push(`ended by ${runner.failure.code}: ${runner.failure.message}`);
  for (const [what, gate] of Object.entries(runner.gates)) {
    const closed = gate.closedFor;
    if (closed === undefined) continue;
    reasons.push(
      `intake paused (${what}) for ${now - closed.since} ms by ${closed.error.code}: ${closed.error.message}`,
    );
  }
  const deadline = runner.options.spec.watchdog.commitDeadlineMs;
  // What waits for its time is no work that should be moving.
  const lag = partitions.reduce((sum, at) => sum + at.lag - at.waiting, 0);
  const starved = runner.starvedFor(lag > 0, now);
  if (starved > deadline) reasons.push(`a lag of ${lag} and no record from the log for ${starved} ms`);
  for (const at of partitions) {
    const since = runner.stalledFor(now);
    if (at.lag === at.waiting || since <= deadline) continue;
    const where = at.oldestUnfinished;
    reasons.push(
      where === null
        ? `${at.topic}-${at.partition} has a lag of ${at.lag} and no commit for ${since} ms`
        : `${at.topic}-${at.partition} stuck on offset ${where.offset} in ${where.step} (attempt ${where.attempt}), no commit for ${since} ms`,
    );
  }
  return reasons;
}
