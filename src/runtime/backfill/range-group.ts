/**
 * The consumer group of a backfill: put at the start of its range before the first record is read, and asked of the log, by
 * offsets, whether anything is left.
 *
 * G1. The end is decided by what the log holds between the committed offsets and the captured ends. Silence decides nothing:
 *     it only says when to look.
 */
import { type BackfillPlan, backfillGroup } from '../../core/backfill-plan.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { Clock } from '../clock.ts';
import type { Assignment, Log } from '../log.ts';
import { type OffsetRange, readRange } from './read-range.ts';

export interface RangeGroup {
  readonly log: Log;
  readonly plan: BackfillPlan;
  readonly slot: string;
  readonly clock: Clock;
}

const SEAT_WAIT_MS = 60_000;

/** Commits the start of every partition that the group has not committed yet. A group that has is left as it stands. */
export async function seatGroup({ log, plan, slot, clock }: RangeGroup): Promise<void> {
  const unseated = await unseatedPartitions(log, plan);
  if (unseated.size === 0) return;
  const assigned = new Map<number, Assignment>();
  const member = await log.join({
    groupId: backfillGroup(plan),
    topics: [plan.input],
    slot,
    listener: {
      onAssigned: async (partitions) => {
        for (const at of partitions) assigned.set(at.partition, at);
      },
      onRevoked: async (partitions) => {
        for (const at of partitions) assigned.delete(at.partition);
      },
    },
  });
  try {
    const deadline = clock.now() + SEAT_WAIT_MS;
    // The embedded log announces an assignment at the first poll; what that brings is read again later.
    while (assigned.size === 0 && clock.now() < deadline) {
      await member.poll({ maxRecords: 1, maxBytes: 1, maxWaitMs: 100 });
    }
    const offsets = [...assigned.values()].flatMap(({ topic, partition, epoch }) => {
      const offset = unseated.get(partition);
      return offset === undefined ? [] : [{ topic, partition, epoch, offset }];
    });
    if (offsets.length > 0) await member.commit({ outputs: [], offsets });
  } finally {
    await member.leave();
  }
}

/** What a group was given to read of one topic. */
export interface GroupRanges {
  readonly groupId: string;
  readonly topic: string;
  readonly ranges: readonly OffsetRange[];
}

/** The ranges that are not committed to their ends; empty when no record is left in any of them (G1). */
export async function remainingRanges(log: Log, group: GroupRanges): Promise<readonly OffsetRange[]> {
  const open = await uncommittedRanges(log, group);
  if (open.length === 0) return [];
  // One record that is left says enough: the run goes on.
  for await (const _record of readRange(log, group.topic, open)) return open;
  return [];
}

/** By offsets alone: what is left may hold no records. */
export async function uncommittedRanges(log: Log, group: GroupRanges): Promise<readonly OffsetRange[]> {
  const committed = await committedByPartition(log, group);
  return group.ranges.flatMap(({ partition, start, end }) => {
    const at = committed.get(partition) ?? start;
    const position = at > start ? at : start;
    return position < end ? [{ partition, start: position, end }] : [];
  });
}

export function planRanges(plan: BackfillPlan): GroupRanges {
  return { groupId: backfillGroup(plan), topic: plan.input, ranges: plan.partitions };
}

/** `OFFSET_OUT_OF_RANGE` when retention has removed records that the plan holds and the group has not read. */
export async function requireRetained(log: Log, plan: BackfillPlan): Promise<void> {
  const [description] = await log.admin.describeTopics([plan.input]);
  const committed = await committedByPartition(log, planRanges(plan));
  for (const { partition, start, end } of plan.partitions) {
    const position = committed.get(partition) ?? start;
    const first = description?.offsets[partition]?.start ?? 0n;
    if (position >= first || position >= end) continue;
    throw new FirstFiveError(
      'OFFSET_OUT_OF_RANGE',
      `retention has removed offsets ${position} to ${first} of ${plan.input}-${partition}, which run ${plan.run} has not ` +
        'read: plan again for what is left',
    );
  }
}

async function committedByPartition(
  log: Log,
  { groupId, topic }: Pick<GroupRanges, 'groupId' | 'topic'>,
): Promise<ReadonlyMap<number, bigint>> {
  const committed = (await log.admin.committedOffsets(groupId)).filter((at) => at.topic === topic);
  return new Map(committed.map(({ partition, offset }) => [partition, offset]));
}

async function unseatedPartitions(log: Log, plan: BackfillPlan): Promise<ReadonlyMap<number, bigint>> {
  const committed = await committedByPartition(log, planRanges(plan));
  return new Map(
    plan.partitions
      .filter(({ partition, start }) => start > 0n && !committed.has(partition))
      .map(({ partition, start }) => [partition, start]),
  );
}
