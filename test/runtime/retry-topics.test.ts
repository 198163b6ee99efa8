import { describe, expect, it } from 'vitest';
import { parseDeadLetter } from '../../src/core/dead-letter.ts';
import { FirstFiveError } from '../../src/core/errors.ts';
import { seededRandom } from '../../src/core/random.ts';
import { headerText } from '../../src/core/record.ts';
import { notBefore, RETRY_HEADERS } from '../../src/core/retry-record.ts';
import type { HandlerContext } from '../../src/runtime/handler.ts';
import { memoryTable } from '../../src/runtime/latest-table.ts';
import { stageHealth } from '../../src/runtime/stage-health.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { echoHandler, emitted, INPUT, LETTERS, runnerOn, upload } from './fixtures.ts';
import { endsOf, newLogWithSides, SIDES, TIERS } from './side-fixtures.ts';

const ids = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);
const changed = () => new FirstFiveError('MEDIA_CHANGED', 'changed while it was read');
const [FIRST, SECOND] = TIERS;

/** Fails `u0` as often as told; `attempts` is what its handler has seen. */
function failing(times: number, error: () => FirstFiveError = changed) {
  const attempts: { attempt: number; at: number }[] = [];
  const handler = (clock: FakeClock) =>
    echoHandler(async (id: string, { attempt }: HandlerContext) => {
      if (id !== 'u0') return;
      attempts.push({ attempt, at: clock.now() });
      if (attempts.length <= times) throw error();
    });
  return { attempts, handler };
}

describe('retry topics', () => {
  it('take what outlasts the attempts in place, and give it back when its time has come', async () => {
    const clock = new FakeClock();
    const log = await newLogWithSides(clock);
    const { attempts, handler } = failing(3);
    await log.append(ids(3).map((id) => upload(id)));
    const runner = runnerOn(log, clock, { handler: handler(clock), spec: SIDES, table: memoryTable() });
    await runner.start();
    await clock.advance(5_000);
    expect(emitted(log)).toEqual(['u1@0/1', 'u2@0/1']);
    expect(log.records(FIRST.topic).flat()).toHaveLength(1);
    await clock.advance(40_000);
    expect(emitted(log)).toEqual(['u1@0/1', 'u2@0/1', 'u0@0/1']);
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    const [parked] = log.records(FIRST.topic).flat();
    const waited = (attempts[3]?.at ?? 0) - (attempts[2]?.at ?? 0);
    expect(waited).toBeGreaterThanOrEqual(FIRST.delayMs);
    expect(waited).toBeLessThan(FIRST.delayMs + 1_000);
    expect(notBefore(parked ?? { headers: [] })).toBe(Math.ceil((attempts[2]?.at ?? 0) + FIRST.delayMs));
    expect(headerText(parked?.headers ?? [], RETRY_HEADERS.tier)).toBe('1');
    expect(emitted(log, LETTERS)).toEqual([]);
  });

  it('hand on from tier to tier and then to the dead letters, which name the origin and count all attempts', async () => {
    const clock = new FakeClock();
    const log = await newLogWithSides(clock);
    const { attempts, handler } = failing(Number.POSITIVE_INFINITY);
    await log.append([upload('other'), upload('u0', 7)]);
    await runnerOn(log, clock, { handler: handler(clock), spec: SIDES, table: memoryTable() }).start();
    await clock.advance(400_000);
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
    expect((attempts[4]?.at ?? 0) - (attempts[3]?.at ?? 0)).toBeGreaterThanOrEqual(SECOND.delayMs);
    const [letter] = log.records(LETTERS).flat().map(parseDeadLetter);
    const [, original] = log.records(INPUT).flat();
    expect(letter?.origin).toEqual(original);
    expect(letter).toMatchObject({ code: 'MEDIA_CHANGED', attempts: 5, stage: 'score' });
    expect(letter?.firstFailureAt).toBe(attempts[0]?.at);
    expect(letter?.lastFailureAt).toBe(attempts[4]?.at);
    expect(emitted(log)).toEqual(['other@0/1', 'u0@7/0']);
  });

  it.each(['DECODE_CRASHED', 'DECODE_TIMEOUT', 'INTERNAL', 'MEDIA_EMPTY'] as const)(
    'do not take a %s: it goes to the dead letters at once',
    async (code) => {
      const clock = new FakeClock();
      const log = await newLogWithSides(clock);
      const { attempts, handler } = failing(9, () => new FirstFiveError(code, 'for the test'));
      await log.append([upload('u0')]);
      await runnerOn(log, clock, { handler: handler(clock), spec: SIDES }).start();
      await clock.advance(5_000);
      expect(attempts.length).toBeLessThanOrEqual(2);
      expect(emitted(log, LETTERS)).toHaveLength(1);
      expect(log.records(FIRST.topic).flat()).toEqual([]);
    },
  );

  it('give a file that crashes the decoder after its stay no further attempt', async () => {
    const clock = new FakeClock();
    const log = await newLogWithSides(clock);
    const { attempts, handler } = failing(9, () =>
      attempts.length <= 3 ? changed() : new FirstFiveError('DECODE_CRASHED', 'killed its decoder'),
    );
    await log.append([upload('u0')]);
    await runnerOn(log, clock, { handler: handler(clock), spec: SIDES }).start();
    await clock.advance(400_000);
    expect(attempts).toHaveLength(4);
    expect(log.records(LETTERS).flat().map(parseDeadLetter)).toMatchObject([
      { code: 'DECODE_CRASHED', attempts: 4 },
    ]);
  });

  it('spend nothing on a systemic failure during the later attempt', async () => {
    const clock = new FakeClock();
    const log = await newLogWithSides(clock);
    const { attempts, handler } = failing(6, () =>
      attempts.length <= 3 ? changed() : new FirstFiveError('STORE_UNAVAILABLE', 'away'),
    );
    await log.append([upload('u0')]);
    await runnerOn(log, clock, { handler: handler(clock), spec: SIDES }).start();
    await clock.advance(100_000);
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 4, 4, 4]);
    expect(emitted(log)).toEqual(['u0@0/1']);
  });

  it('let a newer revision pass; what comes back older is superseded', async () => {
    const clock = new FakeClock();
    const log = await newLogWithSides(clock);
    const { handler } = failing(3);
    const outcomes: string[] = [];
    await log.append([upload('u0', 1)]);
    const runner = runnerOn(log, clock, { handler: handler(clock), spec: SIDES, table: memoryTable() });
    Object.assign(runner.options, {
      onSettled: ({ outcome, record }: { outcome: string; record: { topic: string; offset: bigint } }) =>
        outcomes.push(`${record.topic}/${record.offset} ${outcome}`),
    });
    await runner.start();
    await clock.advance(5_000);
    await log.append([upload('u0', 2)]);
    await clock.advance(60_000);
    expect(emitted(log)).toEqual(['u0@2/1']);
    expect(outcomes).toEqual([`${INPUT}/0 retried`, `${INPUT}/1 emitted`, `${INPUT}/0 superseded`]);
    const committed = await log.admin.committedOffsets('group');
    expect(committed.find(({ topic }) => topic === FIRST.topic)?.offset).toBe(1n);
  });

  it('hold no place of the records in flight, however many wait', async () => {
    const clock = new FakeClock();
    const log = await newLogWithSides(clock, 2);
    const done = new Set<string>();
    const handler = echoHandler(async (id) => {
      if (id.startsWith('bad') && !done.has(id)) throw changed();
    });
    const bad = ids(300).map((id) => `bad-${id}`);
    await log.append(bad.map((id) => upload(id)));
    const runner = runnerOn(log, clock, { handler, spec: SIDES, table: memoryTable() });
    await runner.start();
    await clock.advance(25_000);
    const parked = TIERS.flatMap(({ topic }) => log.records(topic).flat());
    expect(parked.length).toBe(300);
    expect(runner.inFlight.records).toBe(0);
    await log.append(ids(100).map((id) => upload(id)));
    await clock.advance(3_000);
    expect(emitted(log)).toHaveLength(100);
    for (const id of bad) done.add(id);
    await clock.advance(60_000);
    expect(emitted(log)).toHaveLength(400);
    expect(new Set(emitted(log)).size).toBe(400);
    expect(emitted(log, LETTERS)).toEqual([]);
  });

  it('keep neither the input nor due retries from going on while the other has much to do', async () => {
    const clock = new FakeClock();
    const log = await newLogWithSides(clock);
    const failed = new Set<string>();
    const handler = echoHandler(async (id, { attempt }) => {
      await new Promise<void>((resolve) => void clock.after(20, resolve));
      if (id.startsWith('bad') && attempt <= 3) {
        failed.add(id);
        throw changed();
      }
    });
    await log.append(ids(60).map((id) => upload(`bad-${id}`)));
    await runnerOn(log, clock, { handler, spec: SIDES, table: memoryTable() }).start();
    await clock.advance(25_000);
    expect(failed.size).toBe(60);
    await log.append(ids(2_000).map((id) => upload(id)));
    await clock.advance(10_000);
    const before = emitted(log);
    expect(before.filter((value) => value.startsWith('bad')).length).toBeGreaterThan(20);
    expect(before.filter((value) => value.startsWith('u')).length).toBeGreaterThan(100);
    await clock.advance(60_000);
    expect(emitted(log)).toHaveLength(2_060);
  });

  it('are no trouble for health, which says how many wait and until when', async () => {
    const clock = new FakeClock();
    const log = await newLogWithSides(clock);
    const handler = echoHandler(async () => {
      throw changed();
    });
    await log.append(ids(20).map((id) => upload(id)));
    const longer = { ...SIDES, retryTiers: [{ topic: FIRST.topic, delayMs: 1_800_000 }] };
    const runner = runnerOn(log, clock, { handler, spec: longer });
    await runner.start();
    await clock.advance(5_000);
    const ends = await endsOf(log);
    for (let i = 0; i < 20; i++) {
      await clock.advance(60_000);
      const health = stageHealth(runner, ends);
      expect(health.reasons).toEqual([]);
      expect(health.waiting).toBe(20);
    }
    const tier = stageHealth(runner, ends).partitions.find(({ topic }) => topic === FIRST.topic);
    expect(Date.parse(tier?.waitingUntil ?? '')).toBeGreaterThan(clock.now());
    expect(tier).toMatchObject({ lag: 20, waiting: 20 });
  });

  it('take a record without our headers as it lies there, at the first attempt', async () => {
    const clock = new FakeClock();
    const log = await newLogWithSides(clock);
    const { attempts, handler } = failing(1);
    await log.append([{ ...upload('u0'), topic: FIRST.topic }]);
    await runnerOn(log, clock, { handler: handler(clock), spec: SIDES }).start();
    await clock.advance(3_000);
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(emitted(log)).toEqual(['u0@0/1']);
  });

  it('lose and double nothing when the process dies anywhere, over many deaths', async () => {
    const seed = Number(process.env.FIRSTFIVE_TEST_SEED ?? 20_260_101);
    const random = seededRandom(seed);
    const clock = new FakeClock();
    const log = await newLogWithSides(clock, 2);
    const fails = new Map(ids(60).map((id) => [id, Math.floor(random() * 7)]));
    const handler = echoHandler(async (id, { attempt }) => {
      await new Promise<void>((resolve) => void clock.after(random() * 100, resolve));
      if (attempt <= (fails.get(id) ?? 0)) throw changed();
    });
    await log.append(ids(60).map((id) => upload(id)));
    let deaths = 0;
    for (let round = 0; round < 40; round++) {
      let live = round < 30 ? 1 + Math.floor(random() * 3) : Number.POSITIVE_INFINITY;
      log.fault = (step) => {
        // Both sides of a commit: nothing of it took place, or all of it without anyone hearing of it.
        if ((step !== 'commit' && step !== 'committed') || --live > 0) return;
        deaths += 1;
        throw new FirstFiveError('LOG_FENCED', `dead in ${step}`);
      };
      await runnerOn(log, clock, { handler, spec: SIDES, table: memoryTable() }).start();
      await clock.advance(round < 30 ? 12_000 : 120_000);
    }
    expect(deaths, `seed ${seed}`).toBeGreaterThan(10);
    const outputs = emitted(log);
    const scored = outputs.filter((value) => value.endsWith('/1')).map((value) => value.split('@')[0]);
    const given = log.records(LETTERS).flat().length;
    expect(new Set(scored).size, `seed ${seed}`).toBe(scored.length);
    expect(scored.length + given, `seed ${seed}`).toBe(60);
    expect(given, `seed ${seed}`).toBeGreaterThan(0);
    expect(outputs.length, `seed ${seed}`).toBe(60);
  });
});
