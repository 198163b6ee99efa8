/**
 * Hands the rows of a run to the live group, which alone writes the ranking topic: each row once, in order per upload.
 *
 * P1. It is a consumer group on the run's topic: rows and offsets are committed together, so that a publish that is killed
 *     goes on where it stopped, and one that is repeated finds nothing left.
 * P2. Bytes, headers and timestamps are passed on unchanged; the live group's emission order decides what becomes of them.
 */
import { type BackfillPlan, backfillGroup } from '../../core/backfill-plan.ts';
import { FirstFiveError, toFirstFiveError } from '../../core/errors.ts';
import type { OutputRecord, StreamRecord } from '../../core/record.ts';
import { type Clock, sleep } from '../clock.ts';
import type { CommitUnit, GroupMember, Log } from '../log.ts';
import { type GroupRanges, remainingRanges } from './range-group.ts';
import { wholeTopic } from './read-range.ts';

export interface PublishOptions {
  readonly log: Log;
  readonly plan: BackfillPlan;
  /** The side input of the live score stage. */
  readonly topic: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** After each commit, with how many rows it held. */
  readonly onPublished?: (rows: number) => void;
}

const POLL = { maxRecords: 500, maxBytes: 4 * 1024 * 1024, maxWaitMs: 500 };
const PATIENCE_MS = 60_000;
const AGAIN_MS = 500;

/** Rows handed over by this call; rejects with what made going on impossible. */
export async function publishRows(options: PublishOptions): Promise<number> {
  const { log, plan, signal } = options;
  const group = await publishRanges(log, plan);
  if ((await remainingRanges(log, group)).length === 0) return 0;
  const epochs = new Map<number, number>();
  const member = await log.join({
    groupId: group.groupId,
    topics: [group.topic],
    outputs: [options.topic],
    slot: '0',
    listener: {
      onAssigned: async (partitions) => {
        for (const { partition, epoch } of partitions) epochs.set(partition, epoch);
      },
      onRevoked: async () => {},
    },
  });
  let published = 0;
  try {
    while (!signal.aborted) {
      const records = await member.poll({ ...POLL, signal });
      if (records.length === 0 && (await remainingRanges(log, group)).length === 0) break;
      if (records.length === 0) continue;
      await commit(member, unitOf(records, epochs, options.topic), options);
      published += records.length;
      options.onPublished?.(records.length);
    }
    return published;
  } finally {
    await member.leave();
  }
}

/** All that the run's topic holds, for the group that publishes it. */
export async function publishRanges(log: Log, plan: BackfillPlan): Promise<GroupRanges> {
  const topic = plan.outputs.score;
  if (topic === undefined)
    throw new FirstFiveError('USAGE', `run ${plan.run} makes no scores, so there is nothing to publish`);
  return { groupId: `${backfillGroup(plan)}.publish`, topic, ranges: await wholeTopic(log, topic) };
}

function unitOf(
  records: readonly StreamRecord[],
  epochs: ReadonlyMap<number, number>,
  topic: string,
): CommitUnit {
  const next = new Map<number, StreamRecord>();
  for (const record of records) next.set(record.partition, record);
  return {
    outputs: records.map(
      ({ key, value, headers, timestamp }): OutputRecord => ({ topic, key, value, headers, timestamp }),
    ),
    offsets: [...next.values()].map((last) => ({
      topic: last.topic,
      partition: last.partition,
      offset: last.offset + 1n,
      epoch: epochs.get(last.partition) ?? 0,
    })),
  };
}

/** The same unit again while the log is away or has aborted it; for at most a minute. */
async function commit(
  member: GroupMember,
  unit: CommitUnit,
  { clock, signal }: PublishOptions,
): Promise<void> {
  const deadline = clock.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await member.commit(unit);
    } catch (thrown) {
      const { code } = toFirstFiveError(thrown);
      const mayPass = code === 'LOG_UNAVAILABLE' || code === 'LOG_ABORTED';
      if (!mayPass || signal.aborted || clock.now() > deadline) throw thrown;
      await sleep(clock, AGAIN_MS, signal);
    }
  }
}
