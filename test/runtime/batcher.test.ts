import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchPolicy } from '../../src/core/batch-policy.ts';
import { FirstFiveError } from '../../src/core/errors.ts';
import {
  type BatchEntry,
  type BatchOutcome,
  type BatchReport,
  createBatcher,
} from '../../src/runtime/batcher.ts';
import { FakeClock, settle } from '../../src/testing/fake-clock.ts';

const policy: BatchPolicy = { maxItems: 4, maxRows: 100, maxBytes: 1_000, maxDelayMs: 10, maxInFlight: 1 };

type Entries = readonly BatchEntry<number>[];
type Run = (entries: Entries) => Promise<ReadonlyMap<number, BatchOutcome<string>>>;

const answers: Run = async (entries) =>
  new Map(entries.map(({ id, input }) => [id, { ok: true, value: `#${input}` } as const]));

function setUp(change: Partial<BatchPolicy> = {}, run: Run = answers) {
  const clock = new FakeClock(0);
  const batches: number[][] = [];
  const reports: BatchReport[] = [];
  const batcher = createBatcher<number, string>({
    policy: { ...policy, ...change },
    measure: () => ({ rows: 1, bytes: 10 }),
    run: (entries) => {
      batches.push(entries.map((entry) => entry.input));
      return run(entries);
    },
    onBatch: (report) => reports.push(report),
    clock,
  });
  return { clock, batcher, batches, reports };
}

/** A run that ends only when told to. */
function heldRun() {
  const releases: (() => void)[] = [];
  const run: Run = async (entries) => {
    await new Promise<void>((resolve) => releases.push(resolve));
    return answers(entries);
  };
  return { run, releases };
}

describe('the batcher', () => {
  it('joins what comes within the delay and gives each item its own result', async () => {
    const { clock, batcher, batches, reports } = setUp();
    const first = batcher.submit(1);
    await clock.advance(6);
    const second = batcher.submit(2);
    await clock.advance(3);
    expect(batches).toEqual([]);
    await clock.advance(1);
    expect(await Promise.all([first, second])).toEqual(['#1', '#2']);
    expect(batches).toEqual([[1, 2]]);
    expect(reports).toEqual([{ trigger: 'delay', items: 2, rows: 2, bytes: 20, waitedMs: 10, ranMs: 0 }]);
  });

  it('leaves at once when it is full', async () => {
    const { batcher, batches } = setUp();
    await Promise.all([1, 2, 3, 4].map((n) => batcher.submit(n)));
    expect(batches).toEqual([[1, 2, 3, 4]]);
  });

  it('gathers company while all slots are taken', async () => {
    const { run, releases } = heldRun();
    const { batcher, batches } = setUp({ maxDelayMs: 0 }, run);
    const all = [1, 2, 3].map((n) => batcher.submit(n));
    expect(batches).toEqual([[1]]);
    expect(batcher.depth()).toEqual({ waiting: 2, inFlight: 1 });
    releases.shift()?.();
    await settle();
    expect(batches).toEqual([[1], [2, 3]]);
    releases.shift()?.();
    expect(await Promise.all(all)).toEqual(['#1', '#2', '#3']);
  });

  it('serves live first and fills with backfill', async () => {
    const { clock, batcher, batches } = setUp({ maxItems: 3 });
    const all = [batcher.submit(10, { lane: 'backfill' }), batcher.submit(11, { lane: 'backfill' })];
    all.push(batcher.submit(1));
    await clock.advance(10);
    await Promise.all(all);
    expect(batches).toEqual([[1, 10, 11]]);
  });

  it('isolates one bad item by splitting, and fails it alone', async () => {
    const run: Run = async (entries) => {
      if (entries.some((entry) => entry.input === 3))
        throw new FirstFiveError('INFERENCE_FAILED', 'bad input');
      return answers(entries);
    };
    const { batcher, batches } = setUp({}, run);
    const results = await Promise.allSettled([1, 2, 3, 4].map((n) => batcher.submit(n)));
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(batches).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]);
  });

  it('does not split what is wrong with the surroundings', async () => {
    const run: Run = async () => {
      throw new FirstFiveError('INFERENCE_FAILED', 'no worker', { kind: 'systemic' });
    };
    const { batcher, batches } = setUp({}, run);
    const results = await Promise.allSettled([1, 2, 3, 4].map((n) => batcher.submit(n)));
    expect(results.every((result) => result.status === 'rejected')).toBe(true);
    expect(batches.length).toBe(1);
  });

  it('fails the items that a run forgets, and no others', async () => {
    const run: Run = async (entries) => answers(entries.slice(1));
    const { batcher } = setUp({}, run);
    const results = await Promise.allSettled([1, 2, 3, 4].map((n) => batcher.submit(n)));
    expect(results.map((result) => result.status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
  });

  it('takes an aborted item out of the queue at once', async () => {
    const { clock, batcher, batches } = setUp();
    const abort = new AbortController();
    const dropped = batcher.submit(1, { signal: abort.signal });
    const kept = batcher.submit(2);
    abort.abort(new Error('gone'));
    await expect(dropped).rejects.toThrow('gone');
    await clock.advance(10);
    expect(await kept).toBe('#2');
    expect(batches).toEqual([[2]]);
    await expect(batcher.submit(3, { signal: abort.signal })).rejects.toThrow('gone');
  });

  it('lets go of an aborted item that is running, without harm to its batch', async () => {
    const { run, releases } = heldRun();
    const { batcher } = setUp({ maxItems: 2 }, run);
    const abort = new AbortController();
    const dropped = batcher.submit(1, { signal: abort.signal });
    const kept = batcher.submit(2);
    abort.abort(new Error('gone'));
    await expect(dropped).rejects.toThrow('gone');
    releases.shift()?.();
    expect(await kept).toBe('#2');
  });

  it('drains on close without waiting for the delay, and takes nothing more', async () => {
    const { batcher, batches } = setUp();
    const last = batcher.submit(1);
    await batcher.close('drain');
    expect(await last).toBe('#1');
    expect(batches).toEqual([[1]]);
    await expect(batcher.submit(2)).rejects.toMatchObject({ kind: 'systemic' });
  });

  it('rejects what waits on close and lets what runs end', async () => {
    const { run, releases } = heldRun();
    const { batcher } = setUp({ maxItems: 1 }, run);
    const running = batcher.submit(1);
    const waiting = batcher.submit(2);
    const refused = expect(waiting).rejects.toMatchObject({ code: 'INFERENCE_FAILED', kind: 'systemic' });
    const closed = batcher.close('reject');
    await refused;
    releases.shift()?.();
    expect(await running).toBe('#1');
    await closed;
  });

  it('gives every item exactly its own result, under random failures, delays, lanes and aborts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plannedItem, { maxLength: 40 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.nat(15), { minLength: 1, maxLength: 8 }),
        async (items, maxItems, maxInFlight, runMs) => {
          const outcomes = await play(items, { maxItems, maxInFlight }, runMs);
          expect(outcomes.length).toBe(items.length);
          for (const [i, outcome] of outcomes.entries()) {
            if (outcome === 'aborted') expect(items[i]?.abortAfterMs).not.toBeNull();
            else expect(outcome).toBe(items[i]?.bad ? `failed ${i}` : `#${i}`);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

const plannedItem = fc.record({
  pauseMs: fc.nat(8),
  bad: fc.boolean(),
  live: fc.boolean(),
  abortAfterMs: fc.option(fc.nat(20)),
});
type PlannedItem = typeof plannedItem extends fc.Arbitrary<infer T> ? T : never;

/** Submits the items at their times; gives each one's outcome, or nothing for one that never settled. */
async function play(items: readonly PlannedItem[], change: Partial<BatchPolicy>, runMs: readonly number[]) {
  let runs = 0;
  const { clock, batcher } = setUp(change, async (entries) => {
    await new Promise<void>((resolve) => clock.after(runMs[runs++ % runMs.length] ?? 0, resolve));
    if (entries.some(({ input }) => items[input]?.bad))
      throw new FirstFiveError('INFERENCE_FAILED', 'bad input');
    return answers(entries);
  });
  const outcomes: string[] = [];
  for (const [i, item] of items.entries()) {
    const abort = new AbortController();
    if (item.abortAfterMs !== null) clock.after(item.abortAfterMs, () => abort.abort('aborted'));
    batcher.submit(i, { lane: item.live ? 'live' : 'backfill', signal: abort.signal }).then(
      (value) => outcomes.splice(i, 1, value),
      (reason: unknown) => outcomes.splice(i, 1, reason === 'aborted' ? 'aborted' : `failed ${i}`),
    );
    outcomes.push('never settled');
    await clock.advance(item.pauseMs);
  }
  await clock.advance(100_000);
  expect(batcher.depth()).toEqual({ waiting: 0, inFlight: 0 });
  return outcomes;
}
