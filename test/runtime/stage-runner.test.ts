import { describe, expect, it } from 'vitest';
import { FirstFiveError } from '../../src/core/errors.ts';
import { seededRandom } from '../../src/core/random.ts';
import { headerText } from '../../src/core/record.ts';
import type { RecordHandler } from '../../src/runtime/handler.ts';
import { memoryTable } from '../../src/runtime/latest-table.ts';
import { stageHealth } from '../../src/runtime/stage-health.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { echoHandler, emitted, INPUT, LETTERS, newLog, OUTPUT, runnerOn, text, upload } from './fixtures.ts';

const ids = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);

describe('StageRunner', () => {
  it('emits each input once and commits the offset after the last of them', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock);
    await log.append(ids(40).map((id) => upload(id)));
    const runner = runnerOn(log, clock);
    await runner.start();
    await clock.advance(3_000);
    expect(emitted(log).sort()).toEqual(
      ids(40)
        .map((id) => `${id}@0/1`)
        .sort(),
    );
    const committed = await log.admin.committedOffsets('group');
    const [input] = await log.admin.describeTopics([INPUT]);
    for (const at of committed) expect(at.offset).toBe(input?.offsets[at.partition]?.end);
    expect(runner.inFlight.records).toBe(0);
    expect(runner.inFlight.bytes).toBe(0);
  });

  it('keeps outputs in input order per partition although work finishes in any order', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    const random = seededRandom(7);
    const handler = echoHandler(() => new Promise((resolve) => void clock.after(random() * 400, resolve)));
    await log.append(ids(50).map((id) => upload(id)));
    const runner = runnerOn(log, clock, { handler });
    await runner.start();
    await clock.advance(30_000);
    expect(emitted(log)).toEqual(ids(50).map((id) => `${id}@0/1`));
  });

  it('never holds more than its bounds, however far behind it is', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock);
    let working = 0;
    let most = 0;
    const handler = echoHandler(async () => {
      working += 1;
      most = Math.max(most, working);
      await new Promise<void>((resolve) => void clock.after(50, resolve));
      working -= 1;
    });
    await log.append(ids(200).map((id) => upload(id)));
    const runner = runnerOn(log, clock, { handler });
    await runner.start();
    for (let i = 0; i < 100; i++) {
      await clock.advance(50);
      expect(runner.inFlight.records).toBeLessThanOrEqual(16);
    }
    await clock.advance(60_000);
    expect(most).toBe(4);
    expect(emitted(log)).toHaveLength(200);
  });

  it('dead-letters a terminal failure with its provenance and emits the base rate beside it', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    const handler = echoHandler(async (id) => {
      if (id === 'u1') throw new FirstFiveError('MEDIA_EMPTY', 'the object has no bytes');
    });
    await log.append(ids(3).map((id) => upload(id)));
    const runner = runnerOn(log, clock, { handler });
    await runner.start();
    await clock.advance(2_000);
    expect(emitted(log)).toEqual(['u0@0/1', 'u1@0/0', 'u2@0/1']);
    const letters = log.records(LETTERS).flat();
    expect(letters).toHaveLength(1);
    expect(text(letters[0]?.value ?? null)).toBe('{"id":"u1","revision":0}');
    const headers = letters[0]?.headers.map(([name]) => name) ?? [];
    expect(headers.some((name) => headerText(letters[0]?.headers ?? [], name) === 'MEDIA_EMPTY')).toBe(true);
  });

  it('spends the retry budget on a retryable failure, then dead-letters, without delaying the others', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    const attempts: number[] = [];
    const handler = echoHandler(async (id, { attempt }) => {
      if (id !== 'u0') return;
      attempts.push(attempt);
      throw new FirstFiveError('MEDIA_CHANGED', 'changed');
    });
    await log.append(ids(3).map((id) => upload(id)));
    await runnerOn(log, clock, { handler }).start();
    await clock.advance(5_000);
    expect(attempts).toEqual([1, 2, 3]);
    expect(emitted(log, LETTERS)).toHaveLength(1);
    expect(emitted(log)).toEqual(['u0@0/0', 'u1@0/1', 'u2@0/1']);
  });

  it('lets others work while failed records wait for their next attempt, and never more than its concurrency', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    let [working, most] = [0, 0];
    const handler = echoHandler(async (id, { attempt }) => {
      working += 1;
      most = Math.max(most, working);
      await new Promise<void>((resolve) => void clock.after(5, resolve));
      working -= 1;
      if (Number(id.slice(1)) < 4 && attempt < 3) throw new FirstFiveError('MEDIA_CHANGED', 'changed');
    });
    const done: number[] = [];
    const counted: RecordHandler = {
      ...handler,
      handle: async (record, context) => {
        const result = await handler.handle(record, context);
        done.push(clock.now());
        return result;
      },
    };
    await log.append(ids(16).map((id) => upload(id)));
    const startedAt = clock.now();
    const retry = { maxAttempts: 3, initialBackoffMs: 1_000, maxBackoffMs: 1_000 };
    await runnerOn(log, clock, { handler: counted, spec: { retry } }).start();
    await clock.advance(10_000);
    expect(emitted(log)).toEqual(ids(16).map((id) => `${id}@0/1`));
    expect(most).toBe(4);
    expect(done.filter((at) => at - startedAt < 100)).toHaveLength(12);
  });

  it('abandons an attempt that outlasts its deadline, even one that ignores its signal', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    const handler = echoHandler((id) => (id === 'u0' ? new Promise<void>(() => {}) : Promise.resolve()));
    await log.append(ids(2).map((id) => upload(id)));
    await runnerOn(log, clock, { handler }).start();
    await clock.advance(15_000);
    expect(emitted(log)).toEqual(['u0@0/0', 'u1@0/1']);
    const [letter] = log.records(LETTERS).flat();
    expect(letter?.headers.some(([, value]) => text(value) === 'STEP_TIMEOUT')).toBe(true);
  });

  it('waits out an outage of the surroundings without a dead letter, and is unhealthy meanwhile', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    const outageEnds = clock.now() + 60_000;
    const handler = echoHandler(async () => {
      if (clock.now() < outageEnds) throw new FirstFiveError('STORE_UNAVAILABLE', 'the store is away');
    });
    await log.append(ids(5).map((id) => upload(id)));
    const runner = runnerOn(log, clock, { handler });
    await runner.start();
    await clock.advance(30_000);
    expect(stageHealth(runner, new Map()).reasons.join()).toContain('STORE_UNAVAILABLE');
    await clock.advance(120_000);
    expect(emitted(log)).toEqual(ids(5).map((id) => `${id}@0/1`));
    expect(emitted(log, LETTERS)).toEqual([]);
    expect(stageHealth(runner, new Map()).reasons).toEqual([]);
  });

  it('keeps finished work through failed commits and does not work on it again', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    let failures = 3;
    log.fault = (step) => {
      if (step === 'commit' && failures-- > 0) throw new FirstFiveError('LOG_ABORTED', 'aborted');
    };
    let worked = 0;
    const handler = echoHandler(async () => {
      worked += 1;
    });
    await log.append(ids(6).map((id) => upload(id)));
    await runnerOn(log, clock, { handler }).start();
    await clock.advance(60_000);
    expect(emitted(log)).toEqual(ids(6).map((id) => `${id}@0/1`));
    expect(worked).toBe(6);
  });

  it('tries the very same unit again when nobody knows whether it landed, and doubles nothing', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    const landed: unknown[] = [];
    let doubt = true;
    const handler = echoHandler();
    await log.append(ids(3).map((id) => upload(id)));
    const runner = runnerOn(log, clock, { handler });
    const join = log.join.bind(log);
    log.join = async (options) => {
      const member = await join(options);
      return {
        ...member,
        commit: async (unit) => {
          landed.push(unit);
          if (landed.length === 1) await member.commit(unit);
          if (doubt) {
            doubt = false;
            await log.append(
              ids(9)
                .slice(3)
                .map((id) => upload(id)),
            );
            throw new FirstFiveError('LOG_UNAVAILABLE', 'no answer');
          }
          if (landed.length > 2) await member.commit(unit);
        },
      };
    };
    await runner.start();
    await clock.advance(10_000);
    expect(landed[1]).toEqual(landed[0]);
    expect(emitted(log)).toEqual(ids(9).map((id) => `${id}@0/1`));
  });

  it('ends as failed when another owner has fenced it', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    const first = runnerOn(log, clock);
    await first.start();
    const second = runnerOn(log, clock);
    await second.start();
    await log.append([upload('u0')]);
    await clock.advance(5_000);
    expect(first.failure?.code).toBe('LOG_FENCED');
    expect(first.state).toBe('failed');
    expect(emitted(log)).toEqual(['u0@0/1']);
  });

  it('drains on stop: what is under way is finished and committed, nothing new is taken', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    const handler = echoHandler(() => new Promise<void>((resolve) => void clock.after(300, resolve)));
    await log.append(ids(4).map((id) => upload(id)));
    const runner = runnerOn(log, clock, { handler });
    await runner.start();
    await clock.advance(100);
    const stopped = runner.stop(10_000);
    await log.append([upload('late')]);
    await clock.advance(1_000);
    await stopped;
    expect(runner.state).toBe('stopped');
    expect(emitted(log)).toEqual(ids(4).map((id) => `${id}@0/1`));
  });

  it('gives up work that outlasts the drain and reads it again at the next start', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    await log.append(ids(2).map((id) => upload(id)));
    const stuck = runnerOn(log, clock, { handler: echoHandler(() => new Promise<void>(() => {})) });
    await stuck.start();
    await clock.advance(100);
    const stopped = stuck.stop(1_000);
    await clock.advance(2_000);
    await stopped;
    expect(emitted(log)).toEqual([]);
    await runnerOn(log, clock).start();
    await clock.advance(1_000);
    expect(emitted(log)).toEqual(['u0@0/1', 'u1@0/1']);
  });

  it('never emits a lower revision after a higher one, across restarts too', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    await log.append([upload('a', 2), upload('a', 1), upload('b', 1)]);
    const first = runnerOn(log, clock, { table: memoryTable() });
    await first.start();
    await clock.advance(1_000);
    expect(emitted(log)).toEqual(['a@2/1', 'b@1/1']);
    const stopped = first.stop(1_000);
    await clock.advance(1_000);
    await stopped;
    await log.append([upload('a', 0), upload('a', 3)]);
    await runnerOn(log, clock, { table: memoryTable() }).start();
    await clock.advance(1_000);
    expect(emitted(log)).toEqual(['a@2/1', 'b@1/1', 'a@3/1']);
  });

  it('says what it is stuck on when there is lag and no commit', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    await log.append(ids(2).map((id) => upload(id)));
    const handler = echoHandler(() => new Promise<void>(() => {}));
    const runner = runnerOn(log, clock, {
      handler,
      spec: { watchdog: { attemptDeadlineMs: 1e9, commitDeadlineMs: 10_000 } },
    });
    await runner.start();
    await clock.advance(5_000);
    const ends = new Map([[`${INPUT}-0`, 2n]]);
    expect(stageHealth(runner, ends).reasons).toEqual([]);
    await clock.advance(10_000);
    expect(stageHealth(runner, ends).reasons.join()).toMatch(/stuck on offset 0 in score/);
    expect(stageHealth(runner, ends).partitions[0]?.lag).toBe(2);
    expect(log.records(OUTPUT).flat()).toEqual([]);
  });

  it('is unhealthy when the log gives nothing although it holds records', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    const runner = runnerOn(log, clock);
    await runner.start();
    const ends = new Map([[`${INPUT}-0`, 7n]]);
    expect(stageHealth(runner, ends).reasons).toEqual([]);
    await clock.advance(20_000);
    expect(stageHealth(runner, ends).reasons).toEqual([]);
    await clock.advance(20_000);
    expect(stageHealth(runner, ends).reasons.join()).toMatch(/a lag of 7 and no record from the log/);
    expect(stageHealth(runner, new Map([[`${INPUT}-0`, 0n]])).reasons).toEqual([]);
  });
});
