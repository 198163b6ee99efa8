import { describe, expect, it } from 'vitest';
import { parseDeadLetter } from '../../src/core/dead-letter.ts';
import type { OutputRecord } from '../../src/core/record.ts';
import { memoryTable } from '../../src/runtime/latest-table.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { emitted, LETTERS, OUTPUT, runnerOn, upload } from './fixtures.ts';
import { newLogWithSides, PUBLISH, SIDES } from './side-fixtures.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function score(id: string, revision: number, tier: number): OutputRecord {
  return {
    topic: PUBLISH,
    timestamp: 44,
    key: bytes(id),
    value: bytes(`${id}@${revision}/${tier} again`),
    headers: [
      ['ff-source', bytes('uploads/0/3')],
      ['ff-revision', bytes(String(revision))],
      ['ff-tier', bytes(String(tier))],
      ['own', Uint8Array.of(0, 255)],
    ],
  };
}

async function scene() {
  const clock = new FakeClock();
  const log = await newLogWithSides(clock, 2);
  const runner = runnerOn(log, clock, { spec: SIDES, table: memoryTable() });
  return { clock, log, runner };
}

describe('the publish topic', () => {
  it('goes to the ranking topic unchanged: bytes, time and headers', async () => {
    const { clock, log, runner } = await scene();
    const record = score('a', 1, 1);
    await log.append([record]);
    await runner.start();
    await clock.advance(2_000);
    const [published] = log.records(OUTPUT).flat();
    expect(published).toMatchObject({
      key: record.key,
      value: record.value,
      timestamp: 44,
      headers: record.headers,
    });
    const committed = await log.admin.committedOffsets('group');
    expect(committed.filter(({ topic }) => topic === PUBLISH).map(({ offset }) => offset)).toEqual([1n]);
  });

  it('never overwrites a newer score with an older one, and replaces one of the same revision and tier', async () => {
    const { clock, log, runner } = await scene();
    await log.append([upload('a', 2), upload('b', 2), upload('c', 2)]);
    await runner.start();
    await clock.advance(2_000);
    await log.append([score('a', 1, 1), score('b', 2, 1), score('c', 2, 0), score('d', 0, 1)]);
    await clock.advance(2_000);
    expect(emitted(log).sort()).toEqual(['a@2/1', 'b@2/1', 'c@2/1', 'b@2/1 again', 'd@0/1 again'].sort());
    await log.append([upload('d', 0), upload('b', 1)]);
    await clock.advance(2_000);
    expect(emitted(log).filter((value) => value.startsWith('d'))).toEqual(['d@0/1 again', 'd@0/1']);
    expect(emitted(log).filter((value) => value.startsWith('b'))).toHaveLength(2);
  });

  it.each([
    ['a key', { key: null, partition: 0 }],
    ['a value', { value: null }],
    ['its revision', { headers: score('a', 1, 1).headers.filter(([name]) => name !== 'ff-revision') }],
    ['its tier', { headers: score('a', 1, 1).headers.filter(([name]) => name !== 'ff-tier') }],
  ])('sets aside what lacks %s', async (_, change) => {
    const { clock, log, runner } = await scene();
    await log.append([{ ...score('a', 1, 1), ...change }]);
    await runner.start();
    await clock.advance(2_000);
    expect(emitted(log)).toEqual([]);
    const [letter] = log.records(LETTERS).flat().map(parseDeadLetter);
    expect(letter).toMatchObject({ code: 'RECORD_UNDECODABLE', attempts: 1, origin: { topic: PUBLISH } });
  });
});
