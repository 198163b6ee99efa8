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
    partitionProgress(intake, ends, now),
  );
  const { lastCommitAt } = runner.committer;
  return {
    name: spec.name,
    lane,
    state: runner.state,
    reasons: unhealthyReasons(runner, partitions, now),
    inFlight: runner.inFlight.records,
    inFlightBytes: runner.inFlight.bytes,
    lastCommitAgeMs: lastCommitAt === undefined ? null : now - lastCommitAt,
    partitions,
  };
}

function partitionProgress(
  intake: PartitionIntake,
  ends: ReadonlyMap<string, bigint>,
  now: number,
): PartitionProgress {
  const end = ends.get(partitionKey(intake)) ?? intake.position;
  const { oldest } = intake;
  return {
    topic: intake.topic,
    partition: intake.partition,
    position: String(intake.position),
    end: String(end),
    lag: Math.max(0, Number(end - intake.position)),
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
  const lag = partitions.reduce((sum, at) => sum + at.lag, 0);
  const starved = runner.starvedFor(lag > 0, now);
  if (starved > deadline) reasons.push(`a lag of ${lag} and no record from the log for ${starved} ms`);
  for (const at of partitions) {
    const since = runner.stalledFor(now);
    if (at.lag === 0 || since <= deadline) continue;
    const where = at.oldestUnfinished;
    reasons.push(
      where === null
        ? `${at.topic}-${at.partition} has a lag of ${at.lag} and no commit for ${since} ms`
        : `${at.topic}-${at.partition} stuck on offset ${where.offset} in ${where.step} (attempt ${where.attempt}), no commit for ${since} ms`,
    );
  }
  return reasons;
}
