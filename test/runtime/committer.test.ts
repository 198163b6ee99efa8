import { trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { FirstFiveError } from '../../src/core/errors.ts';
import type { OutputRecord, StreamRecord } from '../../src/core/record.ts';
import { Committer } from '../../src/runtime/committer.ts';
import { type LatestTable, memoryTable } from '../../src/runtime/latest-table.ts';
import type { CommitUnit, GroupMember } from '../../src/runtime/log.ts';
import { PartitionIntake } from '../../src/runtime/partition-intake.ts';
import type { RecordTask } from '../../src/runtime/record-task.ts';
import type { TaskResult } from '../../src/runtime/task-result.ts';
import { StageTelemetry } from '../../src/runtime/telemetry.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { text } from './fixtures.ts';

const bytes = (value: string) => new TextEncoder().encode(value);
const output = (value: string): OutputRecord => ({
  ...{ topic: 'scores', timestamp: 1, key: null, headers: [] },
  value: bytes(value),
});

/** A member that keeps the units it was given, and fails as often as it is told to. */
function memberOf(failures: FirstFiveError[] = []) {
  const units: CommitUnit[] = [];
  const member = {
    commit: async (unit: CommitUnit) => {
      units.push(unit);
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
    },
  } as Pick<GroupMember, 'commit'> as GroupMember;
  return { member, units };
}

function committerOn(table?: LatestTable) {
  return new Committer({ table, telemetry: new StageTelemetry('test', 'group'), clock: new FakeClock() });
}

function intakeAt(partition = 0): PartitionIntake {
  return new PartitionIntake({ topic: 'uploads', partition, epoch: 5, position: 0n });
}

function taken(intake: PartitionIntake, offset: bigint): (result: Partial<TaskResult>) => void {
  const { topic, partition } = intake;
  const record: StreamRecord = {
    topic,
    partition,
    offset,
    timestamp: 1,
    key: null,
    value: bytes('in'),
    headers: [],
  };
  const task = { record, abandon: () => {} } as Pick<RecordTask, 'record' | 'abandon'> as RecordTask;
  const entry = intake.take(record, task);
  const span = trace.getTracer('test').startSpan('record');
  const nothing = { outputs: [], always: [], order: undefined, error: undefined };
  return (result) => intake.finish(entry, record, task, { result: { ...nothing, ...result }, span });
}

function ordered(id: string, revision: number, tier = 1): Partial<TaskResult> {
  return { outputs: [output(`${id}@${revision}/${tier}`)], order: { id, revision, tier } };
}

const values = (unit: CommitUnit | undefined) => unit?.outputs.map(({ value }) => text(value));

describe('Committer', () => {
  it('commits nothing, and calls nobody, while the first record is unfinished', async () => {
    const intake = intakeAt();
    taken(intake, 3n);
    taken(intake, 4n)(ordered('b', 0));
    const { member, units } = memberOf();
    expect(await committerOn().commit(member, [intake], 10)).toEqual([]);
    expect(units).toEqual([]);
  });

  it('takes the finished prefix of every partition in offset order, over gaps, stamped with its epoch', async () => {
    const [one, two] = [intakeAt(0), intakeAt(1)];
    const finishers = [taken(one, 3n), taken(one, 9n), taken(two, 0n), taken(one, 10n)];
    for (const at of [1, 2, 0]) finishers[at]?.(ordered(`r${at}`, 0));
    const { member, units } = memberOf();
    const settled = await committerOn().commit(member, [one, two], 10);
    expect(settled.map(({ outcome }) => outcome)).toEqual(['emitted', 'emitted', 'emitted']);
    expect(values(units[0])).toEqual(['r0@0/1', 'r1@0/1', 'r2@0/1']);
    expect(units[0]?.offsets).toEqual([
      { topic: 'uploads', partition: 0, epoch: 5, offset: 10n },
      { topic: 'uploads', partition: 1, epoch: 5, offset: 1n },
    ]);
    expect([one.position, one.heldRecords, two.heldRecords]).toEqual([10n, 1, 0]);
  });

  it('never makes a unit larger than its bound, across partitions too', async () => {
    const intakes = [intakeAt(0), intakeAt(1)];
    for (const intake of intakes) for (let i = 0n; i < 4n; i++) taken(intake, i)(ordered(`${i}`, 0));
    const { member, units } = memberOf();
    const committer = committerOn();
    const counts: number[] = [];
    for (let i = 0; i < 4; i++) counts.push((await committer.commit(member, intakes, 3)).length);
    expect(counts).toEqual([3, 3, 2, 0]);
    expect(
      units.flatMap(({ offsets }) => offsets.map(({ partition, offset }) => [partition, offset])),
    ).toEqual([
      [0, 3n],
      [0, 4n],
      [1, 2n],
      [1, 4n],
    ]);
  });

  it('drops what is older than an emission of the same unit or an earlier one; dead letters go out in any case', async () => {
    const table = memoryTable();
    table.apply([{ id: 'a', revision: 4, tier: 1 }]);
    const intake = intakeAt();
    const error = new FirstFiveError('MEDIA_EMPTY', 'no bytes');
    const results: Partial<TaskResult>[] = [
      ordered('a', 3),
      ordered('a', 4),
      ordered('a', 5, 0),
      { ...ordered('a', 4, 1), error, always: [output('letter')] },
      ordered('a', 5, 1),
      ordered('b', 0),
    ];
    results.forEach((result, i) => {
      taken(intake, BigInt(i))(result);
    });
    const { member, units } = memberOf();
    const settled = await committerOn(table).commit(member, [intake], 10);
    const outcomes = ['superseded', 'emitted', 'emitted', 'dead-lettered', 'emitted', 'emitted'];
    expect(settled.map(({ outcome }) => outcome)).toEqual(outcomes);
    expect(values(units[0])).toEqual(['a@4/1', 'a@5/0', 'letter', 'a@5/1', 'b@0/1']);
    expect([table.get('a'), table.get('b')]).toEqual([
      { revision: 5, tier: 1 },
      { revision: 0, tier: 1 },
    ]);
  });

  it('changes neither table nor position when the log refuses the unit, and gathers anew afterwards', async () => {
    const table = memoryTable();
    const [lost, kept] = [intakeAt(0), intakeAt(1)];
    taken(lost, 0n)(ordered('a', 1));
    taken(kept, 0n)(ordered('b', 1));
    const { member, units } = memberOf([new FirstFiveError('LOG_ABORTED', 'aborted')]);
    const committer = committerOn(table);
    await expect(committer.commit(member, [lost, kept], 10)).rejects.toMatchObject({ code: 'LOG_ABORTED' });
    expect([table.get('a'), lost.position, kept.heldRecords]).toEqual([undefined, 0n, 1]);
    lost.revoke();
    taken(kept, 1n)(ordered('c', 1));
    expect(await committer.commit(member, [lost, kept], 10)).toHaveLength(2);
    expect(values(units[1])).toEqual(['b@1/1', 'c@1/1']);
    expect(table.get('a')).toBeUndefined();
  });

  it('tries the very same unit again when nobody knows whether it landed, unless a partition of it is gone', async () => {
    const intake = intakeAt();
    taken(intake, 0n)(ordered('a', 0));
    const unknown = () => new FirstFiveError('LOG_UNAVAILABLE', 'no answer');
    const { member, units } = memberOf([unknown(), unknown()]);
    const committer = committerOn();
    const commit = () => committer.commit(member, [intake], 10);
    await expect(commit()).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    taken(intake, 1n)(ordered('b', 0));
    await expect(commit()).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    expect(await commit()).toHaveLength(1);
    expect(units.map(values)).toEqual([['a@0/1'], ['a@0/1'], ['a@0/1']]);
    expect(await commit()).toHaveLength(1);
    intake.revoke();
    expect(await commit()).toEqual([]);
  });
});
