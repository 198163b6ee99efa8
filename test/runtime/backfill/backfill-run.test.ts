import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { countsOf, phaseOf } from '../../../src/core/backfill-state.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { OffsetSelection } from '../../../src/core/offset-selection.ts';
import { headerText } from '../../../src/core/record.ts';
import type { BackfillEnd } from '../../../src/runtime/backfill/backfill-run.ts';
import { FakeClock } from '../../../src/testing/fake-clock.ts';
import type { MemoryLog } from '../../../src/testing/memory-log.ts';
import { echoHandler, emitted, INPUT, newLog, OUTPUT, upload } from '../fixtures.ts';
import { newRun, planOf, RUN_LETTERS, RUN_OUTPUT, runHandler } from './fixtures.ts';

vi.setConfig({ testTimeout: 60_000 });

const ids = (count: number, first = 0) => Array.from({ length: count }, (_, i) => `u${first + i}`);

async function logWith(clock: FakeClock, count: number, partitions = 3): Promise<MemoryLog> {
  const log = await newLog(clock, partitions);
  await log.append(ids(count).map((id) => upload(id)));
  return log;
}

/** Advances time until the run has ended, at most `limitMs` of it. */
async function settled(clock: FakeClock, run: Promise<BackfillEnd>, limitMs = 600_000): Promise<BackfillEnd> {
  let end: BackfillEnd | undefined;
  void run.then((value) => {
    end = value;
  });
  for (let spent = 0; spent < limitMs && end === undefined; spent += 250) await clock.advance(250);
  if (end === undefined) throw new Error(`the run has not ended within ${limitMs} ms of its clock`);
  return end;
}

describe('a backfill run', () => {
  it('works on the captured range only, in topics of its own, and ends by itself', async () => {
    const clock = new FakeClock();
    const log = await logWith(clock, 30);
    const plan = await planOf(log);
    await log.append(ids(10, 100).map((id) => upload(id)));
    const { run, control } = await newRun(log, clock, plan);
    expect(await settled(clock, run.run(0))).toEqual({ end: 'finished' });
    expect(emitted(log, RUN_OUTPUT).sort()).toEqual(
      ids(30)
        .map((id) => `${id}@0/1`)
        .sort(),
    );
    expect(emitted(log, OUTPUT)).toEqual([]);
    for (const record of log.records(RUN_OUTPUT).flat()) {
      expect(headerText(record.headers, 'ff-backfill-run')).toBe('r1');
    }
    const state = (await control.read()).get('r1');
    expect(state && countsOf(state)).toMatchObject({ scored: 30, filtered: 0, rejected: {}, superseded: 0 });
  });

  it('starts at the captured offsets, although a new group starts at the beginning', async () => {
    const clock = new FakeClock();
    const log = await logWith(clock, 12, 1);
    const plan = await planOf(log, { partitions: [{ partition: 0, start: 5n, end: 9n, selected: 4 }] });
    const { run } = await newRun(log, clock, plan);
    expect(await settled(clock, run.run(0))).toEqual({ end: 'finished' });
    expect(emitted(log, RUN_OUTPUT)).toEqual(ids(4, 5).map((id) => `${id}@0/1`));
    const committed = await log.admin.committedOffsets('group.backfill.r1');
    expect(committed).toEqual([{ topic: INPUT, partition: 0, offset: 9n }]);
  });

  it('leaves out what the plan did not select, and counts it', async () => {
    const clock = new FakeClock();
    const log = await logWith(clock, 6, 1);
    const selection = new OffsetSelection();
    for (const offset of [1n, 4n]) selection.add(offset, true, undefined);
    const offsets = selection.encoded();
    const plan = await planOf(log, {
      partitions: [{ partition: 0, start: 0n, end: 6n, selected: 2, offsets }],
    });
    const { run, control } = await newRun(log, clock, plan);
    await settled(clock, run.run(0));
    expect(emitted(log, RUN_OUTPUT)).toEqual(['u1@0/1', 'u4@0/1']);
    const state = (await control.read()).get('r1');
    expect(state && countsOf(state)).toMatchObject({ scored: 2, filtered: 4 });
  });

  it('counts rejected by code and superseded, and dead-letters into a topic of its own', async () => {
    const clock = new FakeClock();
    const log = await newLog(clock, 1);
    await log.append([upload('a', 2), upload('bad'), upload('a', 1), { ...upload('a'), value: null }]);
    const handler = runHandler(async (id) => {
      if (id === 'bad') throw new FirstFiveError('MEDIA_EMPTY', 'the object has no bytes');
    });
    const { run, control } = await newRun(log, clock, await planOf(log), { handler });
    await settled(clock, run.run(0));
    expect(emitted(log, RUN_OUTPUT)).toEqual(['a@2/1', 'bad@0/0']);
    expect(log.records(RUN_LETTERS).flat()).toHaveLength(1);
    const state = (await control.read()).get('r1');
    expect(state && countsOf(state)).toEqual({
      scored: 1,
      filtered: 0,
      tombstones: 1,
      rejected: { MEDIA_EMPTY: 1 },
      superseded: 1,
    });
  });

  it('goes no faster than its rate', async () => {
    const clock = new FakeClock();
    const log = await logWith(clock, 50);
    const { run } = await newRun(log, clock, await planOf(log), { rate: 5 });
    const ending = run.run(0);
    await clock.advance(4_000);
    const early = emitted(log, RUN_OUTPUT).length;
    expect(early).toBeGreaterThan(10);
    expect(early).toBeLessThanOrEqual(4 * 5 + 5);
    expect(await settled(clock, ending)).toEqual({ end: 'finished' });
    expect(emitted(log, RUN_OUTPUT)).toHaveLength(50);
  });

  it('pauses and goes on by word from another process, and says how it stands', async () => {
    const clock = new FakeClock();
    const log = await logWith(clock, 60, 1);
    const { run, control } = await newRun(log, clock, await planOf(log), { rate: 10 });
    await control.write('r1', 'identity', identity, clock.now());
    const phase = async () => {
      const state = (await control.read()).get('r1');
      return state && phaseOf(state, clock.now());
    };
    const ending = run.run(0);
    await clock.advance(2_000);
    expect(await phase()).toBe('running');
    await control.write('r1', 'wanted', { state: 'pause', at: clock.now() }, clock.now());
    await clock.advance(1_500);
    const paused = emitted(log, RUN_OUTPUT).length;
    await clock.advance(30_000);
    expect(emitted(log, RUN_OUTPUT)).toHaveLength(paused);
    expect(await phase()).toBe('paused');
    await control.write('r1', 'wanted', { state: 'run', at: clock.now() }, clock.now());
    expect(await settled(clock, ending)).toEqual({ end: 'finished' });
    expect(emitted(log, RUN_OUTPUT)).toEqual(ids(60).map((id) => `${id}@0/1`));
    await clock.advance(15_000);
    expect(await phase()).toBe('interrupted');
  });

  it('drains when it is asked to stop, and goes on from there without a double', async () => {
    const clock = new FakeClock();
    const log = await logWith(clock, 60);
    const plan = await planOf(log);
    const first = await newRun(log, clock, plan, { rate: 10 });
    const ending = first.run.run(1_000);
    await clock.advance(2_500);
    first.run.stop();
    expect(await settled(clock, ending)).toEqual({ end: 'stopped' });
    const done = emitted(log, RUN_OUTPUT).length;
    expect(done).toBeGreaterThan(5);
    expect(done).toBeLessThan(60);
    const second = await newRun(log, clock, plan);
    expect(await settled(clock, second.run.run(0))).toEqual({ end: 'finished' });
    expect(emitted(log, RUN_OUTPUT)).toHaveLength(60);
    expect(new Set(emitted(log, RUN_OUTPUT)).size).toBe(60);
    const state = (await second.control.read()).get('r1');
    expect(state && countsOf(state).scored).toBe(60);
  });

  it('loses, doubles and miscounts nothing, at whatever commit it is killed, before or after that took place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom('commit' as const, 'committed' as const)),
          {
            maxLength: 6,
          },
        ),
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(2)), { minLength: 1, maxLength: 30 }),
        async (kills, uploads) => {
          const clock = new FakeClock();
          const log = await newLog(clock, 2);
          for (const [id, revision] of uploads) await log.append([upload(id, revision)]);
          const plan = await planOf(log);
          for (const kill of [...kills, undefined]) {
            const connection = log.connect();
            let left = kill?.[0] ?? Number.POSITIVE_INFINITY;
            connection.fault = (step) => {
              if (step === kill?.[1] && --left === 0) throw new FirstFiveError('LOG_FENCED', 'killed here');
            };
            const { run, control } = await newRun(connection, clock, plan);
            const end = await settled(clock, run.run(0));
            if (end.end !== 'finished') continue;
            const state = (await control.read()).get('r1');
            const counts = state && countsOf(state);
            expect(counts).toEqual(countsWithout(uploads));
            expect(emitted(log, RUN_OUTPUT)).toHaveLength(counts?.scored ?? -1);
            return;
          }
          throw new Error('the last run was not killed and has not finished');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('refuses to write a topic that is not its own', async () => {
    const clock = new FakeClock();
    const log = await logWith(clock, 5);
    const { run } = await newRun(log, clock, await planOf(log), { handler: echoHandler() });
    const end = await settled(clock, run.run(0));
    expect(end).toMatchObject({ end: 'failed', error: { code: 'INTERNAL' } });
    expect(emitted(log, OUTPUT)).toEqual([]);
  });

  it('counts as alive while its end is being written down, however long that takes', async () => {
    const clock = new FakeClock();
    const log = await logWith(clock, 5);
    let finish = () => {};
    const onFinished = () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      });
    const { run, control } = await newRun(log, clock, await planOf(log), { onFinished });
    await control.write('r1', 'identity', identity, clock.now());
    const ending = run.run(0);
    await clock.advance(60_000);
    expect(emitted(log, RUN_OUTPUT)).toHaveLength(5);
    const state = (await control.read()).get('r1');
    expect(state && phaseOf(state, clock.now())).toBe('running');
    finish();
    expect(await settled(clock, ending)).toEqual({ end: 'finished' });
  });

  it('ends with what made going on impossible', async () => {
    const clock = new FakeClock();
    const log = await logWith(clock, 5);
    log.fault = (step) => {
      if (step === 'commit') throw new FirstFiveError('LOG_FENCED', 'another process has the slot');
    };
    const { run } = await newRun(log, clock, await planOf(log));
    const end = await settled(clock, run.run(0));
    expect(end).toMatchObject({ end: 'failed', error: { code: 'LOG_FENCED' } });
  });

  it('waits for a log that is away, and finishes when it is back', async () => {
    const clock = new FakeClock();
    const log = await logWith(clock, 20);
    let isAway = true;
    log.fault = (step) => {
      if (isAway && step !== 'poll') throw new FirstFiveError('LOG_UNAVAILABLE', 'away');
    };
    isAway = false;
    const { run } = await newRun(log, clock, await planOf(log));
    isAway = true;
    const ending = run.run(0);
    await clock.advance(20_000);
    expect(emitted(log, RUN_OUTPUT)).toEqual([]);
    isAway = false;
    expect(await settled(clock, ending)).toEqual({ end: 'finished' });
    expect(new Set(emitted(log, RUN_OUTPUT)).size).toBe(20);
  });
});

/** What an undisturbed run counts: per upload, a revision below one that came before it is superseded. */
function countsWithout(uploads: readonly (readonly [id: string, revision: number])[]) {
  const highest = new Map<string, number>();
  let superseded = 0;
  for (const [id, revision] of uploads) {
    if (revision < (highest.get(id) ?? 0)) superseded += 1;
    else highest.set(id, revision);
  }
  return { scored: uploads.length - superseded, superseded, filtered: 0, tombstones: 0, rejected: {} };
}

const identity = {
  bundle: 'b@1',
  bundleDigest: 'd',
  extractionPlanDigest: 'p',
  calibrationDigest: 'c',
  decoderBuild: 'none',
  startedAt: 1,
};
