/**
 * A log seen through a plan: the same `StageRunner` that works live works on it, and sees only what the plan holds.
 *
 * B1. Records outside the captured range are never given out; a partition that met its end is paused.
 * B2. Every commit carries the counters of the run in its own transaction, and every output names the run.
 * B3. While the run is paused, or its rate is used up, polls come back empty; the member stays in its group.
 * B4. A run writes its own topics and no other: above all not the ranking topic, which the live group alone writes.
 */
import { type BackfillPlan, backfillGroup, type PlannedPartition } from '../../core/backfill-plan.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { OutputRecord, StreamRecord, TopicPartition } from '../../core/record.ts';
import { type Clock, sleep } from '../clock.ts';
import type { CommitUnit, GroupMember, GroupOptions, Log, MemberPollRequest } from '../log.ts';
import type { ControlTopic } from './control-topic.ts';
import type { Tally } from './tally.ts';
import type { TokenBucket } from './token-bucket.ts';

/** On every output of a backfill. */
export const RUN_HEADER = 'ff-backfill-run';

export interface PauseSwitch {
  isPaused: boolean;
}

export interface BackfillLogOptions {
  readonly log: Log;
  readonly plan: BackfillPlan;
  readonly slot: string;
  readonly control: ControlTopic;
  readonly tally: Tally;
  readonly pause: PauseSwitch;
  readonly clock: Clock;
  /** Absent: as fast as it goes. */
  readonly bucket?: TokenBucket;
  readonly isSelected: (record: StreamRecord) => boolean;
}

export function backfillLog(options: BackfillLogOptions): Log {
  const { log, plan, tally, control } = options;
  return {
    admin: log.admin,
    append: (records) => log.append(records),
    openReader: (topics, from) => log.openReader(topics, from),
    close: () => log.close(),
    join: async (group: GroupOptions): Promise<GroupMember> => {
      const { listener } = group;
      const member = await log.join({
        ...group,
        groupId: backfillGroup(plan),
        outputs: [...(group.outputs ?? []), control.name],
        listener: {
          onAssigned: (partitions) => {
            tally.forget(partitions);
            return listener.onAssigned(partitions);
          },
          onRevoked: async (partitions) => {
            await listener.onRevoked(partitions);
            tally.forget(partitions);
          },
        },
      });
      return new BackfillMember(member, options);
    },
  };
}

class BackfillMember implements GroupMember {
  readonly #member: GroupMember;
  readonly #options: BackfillLogOptions;
  readonly #planned: ReadonlyMap<number, PlannedPartition>;

  constructor(member: GroupMember, options: BackfillLogOptions) {
    this.#member = member;
    this.#options = options;
    this.#planned = new Map(options.plan.partitions.map((at) => [at.partition, at]));
  }

  async poll(request: MemberPollRequest): Promise<readonly StreamRecord[]> {
    const allowed = await this.#allowance(request);
    if (allowed === 0) return [];
    const records = await this.#member.poll({ ...request, maxRecords: allowed });
    const given = records.filter((record) => this.#isInRange(record));
    const { tally, clock, bucket, isSelected } = this.#options;
    for (const record of given) tally.take(record, clock.now());
    bucket?.giveBack(allowed - given.filter(isSelected).length);
    return given;
  }

  async commit(unit: CommitUnit): Promise<void> {
    const { tally, control, plan, slot, clock } = this.#options;
    const progress = tally.after(unit, clock.now());
    const counters = control.record(plan.run, `progress.${slot}`, progress, progress.at);
    const outputs = unit.outputs.map((output) => named(this.#own(output), plan.run));
    await this.#member.commit({ outputs: [...outputs, counters], offsets: unit.offsets });
    tally.adopt(unit, progress);
  }

  caughtUpTo(at: TopicPartition): bigint | undefined {
    return this.#member.caughtUpTo?.(at);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#member.pause(partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#member.resume(partitions);
  }

  leave(): Promise<void> {
    return this.#member.leave();
  }

  /** How many records may be asked for now; waits for at most the request's own wait (B3). */
  async #allowance({ maxRecords, maxWaitMs, signal }: MemberPollRequest): Promise<number> {
    const { pause, bucket, clock } = this.#options;
    if (pause.isPaused) {
      await sleep(clock, maxWaitMs, signal);
      return 0;
    }
    if (bucket === undefined) return maxRecords;
    const waitMs = bucket.waitMs();
    if (waitMs > 0) await sleep(clock, Math.min(waitMs, maxWaitMs), signal);
    return bucket.take(maxRecords);
  }

  /** B4. */
  #own(output: OutputRecord): OutputRecord {
    const { deadLetters, outputs, run } = this.#options.plan;
    if (output.topic === deadLetters || Object.values(outputs).includes(output.topic)) return output;
    throw new FirstFiveError(
      'INTERNAL',
      `backfill ${run} was about to write ${output.topic}, which is not its own`,
    );
  }

  #isInRange(record: StreamRecord): boolean {
    const planned = this.#planned.get(record.partition);
    if (planned !== undefined && record.offset >= planned.start && record.offset < planned.end) return true;
    // B1: a partition that the plan does not know was added later; nothing in it is ours.
    if (planned === undefined || record.offset >= planned.end) this.#member.pause([record]);
    return false;
  }
}

function named(output: OutputRecord, run: string): OutputRecord {
  return { ...output, headers: [...output.headers, [RUN_HEADER, new TextEncoder().encode(run)]] };
}
