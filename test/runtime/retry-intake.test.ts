import { describe, expect, it } from 'vitest';
import type { StreamRecord, TopicPartition } from '../../src/core/record.ts';
import { retryRecord } from '../../src/core/retry-record.ts';
import type { GroupMember, MemberPollRequest } from '../../src/runtime/log.ts';
import { RETRY_POLL_MS, RetryIntake } from '../../src/runtime/retry-intake.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

const TIER = { topic: 'in.retry.30s', delayMs: 30_000 };
const offsets = (records: readonly StreamRecord[]) => records.map(({ offset }) => Number(offset));

/** A member with what lies in the retry topic; keeps what it was asked. */
class Shelf {
  readonly clock = new FakeClock();
  readonly asked: MemberPollRequest[] = [];
  readonly calls: string[] = [];
  readonly #paused = new Set<number>();
  readonly #records: StreamRecord[] = [];
  #next = 0;

  /** Parks a record that failed `agoMs` ago. */
  park(agoMs: number, partition = 0, delayMs = TIER.delayMs): void {
    const origin = { topic: 'in', partition, offset: 1n, timestamp: 1, key: null, value: null, headers: [] };
    const lastFailureAt = this.clock.now() - agoMs;
    const cause = { ...TIER, delayMs, tier: 1, code: 'MEDIA_CHANGED', attempts: 3 } as const;
    const parked = retryRecord(origin, { ...cause, firstFailureAt: lastFailureAt, lastFailureAt });
    this.#records.push({ ...parked, partition, offset: BigInt(this.#next++) });
  }

  get member(): GroupMember {
    const note = (what: string, paused: boolean) => (partitions: readonly TopicPartition[]) => {
      for (const { partition } of partitions) {
        this.calls.push(`${what} ${partition}`);
        if (paused) this.#paused.add(partition);
        else this.#paused.delete(partition);
      }
    };
    const poll = async (request: MemberPollRequest) => {
      this.asked.push(request);
      const open = this.#records.filter(({ partition }) => !this.#paused.has(partition));
      const taken = open.slice(0, request.maxRecords);
      for (const one of taken) this.#records.splice(this.#records.indexOf(one), 1);
      return taken;
    };
    const member: Pick<GroupMember, 'poll' | 'pause' | 'resume'> = {
      ...{ poll, pause: note('pause', true), resume: note('resume', false) },
    };
    return member as GroupMember;
  }
}

describe('RetryIntake', () => {
  it('asks for its own topics only, without waiting, and seldom while they are empty', async () => {
    const shelf = new Shelf();
    const intake = new RetryIntake([TIER], shelf.clock);
    for (let i = 0; i < 5; i++) expect(await intake.take(shelf.member, 4)).toEqual([]);
    expect(shelf.asked).toMatchObject([{ topics: [TIER.topic], maxWaitMs: 0 }]);
    await shelf.clock.advance(RETRY_POLL_MS);
    await intake.take(shelf.member, 4);
    expect(shelf.asked).toHaveLength(2);
  });

  it('pauses a partition while its head waits, and goes on with it when all that was polled has gone', async () => {
    const shelf = new Shelf();
    const intake = new RetryIntake([TIER], shelf.clock);
    for (let i = 0; i < 20; i++) shelf.park(20_000 - i);
    expect(await intake.take(shelf.member, 4)).toEqual([]);
    expect([intake.holds({ topic: TIER.topic, partition: 0 }), shelf.calls]).toEqual([true, ['pause 0']]);
    expect(intake.waitingUntil({ topic: TIER.topic, partition: 0 })).toBe(shelf.clock.now() + 10_000);
    await shelf.clock.advance(9_000);
    expect(await intake.take(shelf.member, 4)).toEqual([]);
    await shelf.clock.advance(2_000);
    const taken: number[] = [];
    for (let i = 0; i < 12; i++) taken.push(...offsets(await intake.take(shelf.member, 4)));
    expect(taken).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(shelf.calls).toEqual(['pause 0', 'resume 0']);
    expect(intake.holds({ topic: TIER.topic, partition: 0 })).toBe(false);
  });

  it('holds no more of a partition than one small poll, however much lies there', async () => {
    const shelf = new Shelf();
    const intake = new RetryIntake([TIER], shelf.clock);
    for (let i = 0; i < 100; i++) shelf.park(0);
    for (let i = 0; i < 50; i++) {
      await intake.take(shelf.member, 100);
      await shelf.clock.advance(RETRY_POLL_MS);
    }
    await shelf.clock.advance(30_000);
    expect((await intake.take(shelf.member, 100)).length).toBeLessThanOrEqual(8);
  });

  it('lets no partition wait behind another one', async () => {
    const shelf = new Shelf();
    const intake = new RetryIntake([TIER], shelf.clock);
    for (let i = 0; i < 4; i++) shelf.park(0, 0);
    for (let i = 0; i < 4; i++) shelf.park(30_000, 1);
    expect(offsets(await intake.take(shelf.member, 2))).toEqual([4, 5]);
    expect(offsets(await intake.take(shelf.member, 2))).toEqual([6, 7]);
  });

  it('waits no longer than the delay of the topic, whatever a record says', async () => {
    const shelf = new Shelf();
    const intake = new RetryIntake([TIER], shelf.clock);
    shelf.park(0, 0, 365 * 86_400_000);
    expect(await intake.take(shelf.member, 4)).toEqual([]);
    await shelf.clock.advance(29_000);
    expect(await intake.take(shelf.member, 4)).toEqual([]);
    await shelf.clock.advance(1_000);
    expect(await intake.take(shelf.member, 4)).toHaveLength(1);
  });

  it('forgets what was given up, and drops what a poll still returns of it', async () => {
    const shelf = new Shelf();
    const owned = new Set([0]);
    const intake = new RetryIntake([TIER], shelf.clock, ({ partition }) => owned.has(partition));
    shelf.park(29_000, 0);
    shelf.park(29_000, 1);
    expect(await intake.take(shelf.member, 4)).toEqual([]);
    expect(intake.holds({ topic: TIER.topic, partition: 1 })).toBe(false);
    intake.forget([{ topic: TIER.topic, partition: 0 }]);
    await shelf.clock.advance(60_000);
    expect(await intake.take(shelf.member, 4)).toEqual([]);
  });
});
