/**
 * What every `Log` promises (src/runtime/log.ts, L1 to L5). Each adapter's test runs it with a harness of its own.
 * Not asserted: contiguous offsets, when compaction happens, how many members a group may have.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OutputRecord } from '../../src/core/record.ts';
import type { TopicSpec } from '../../src/runtime/log.ts';
import { describeCommits } from './log-commit.contract.ts';
import {
  bytes,
  type LogContext,
  type LogHarness,
  NO_WAIT,
  numbered,
  output,
  POLL,
  readAll,
  text,
} from './log-harness.ts';

export function describeLog(name: string, open: () => Promise<LogHarness>): void {
  describe(`${name} as a Log`, () => {
    const context = useHarness(open);
    describeTopics(context);
    describeAppends(context);
    describeReaders(context);
    describeCommits(context);
  });
}

function useHarness(open: () => Promise<LogHarness>): LogContext {
  let harness: LogHarness | undefined;
  let topics = 0;
  const current = () => {
    if (harness === undefined) throw new Error('no test is running');
    return harness;
  };
  beforeEach(async () => {
    harness = await open();
  });
  afterEach(() => current().dispose());
  return {
    get harness() {
      return current();
    },
    get log() {
      return current().log;
    },
    async topic(partitions = 1, spec = {}) {
      const name = `contract.topic-${++topics}.v1`;
      await current().log.admin.ensureTopics([
        { name, partitions, cleanup: 'delete', retentionMs: null, ...spec },
      ]);
      return name;
    },
  };
}

function describeTopics(context: LogContext): void {
  it('keeps a topic that exists already and refuses another partition count', async () => {
    const topic = await context.topic(2);
    const spec: TopicSpec = { name: topic, partitions: 2, cleanup: 'delete', retentionMs: null };
    await context.log.append([output(topic, 'a', '1')]);
    await context.log.admin.ensureTopics([spec]);
    expect(await readAll(context.log, topic)).toHaveLength(1);
    await expect(context.log.admin.ensureTopics([{ ...spec, partitions: 3 }])).rejects.toMatchObject({
      code: 'TOPIC_MISMATCH',
    });
  });

  it('describes its topics and refuses unknown names', async () => {
    const topic = await context.topic(2, { cleanup: 'compact' });
    const [description] = await context.log.admin.describeTopics([topic]);
    expect(description).toMatchObject({ name: topic, partitions: 2, cleanup: 'compact' });
    expect(description?.offsets).toEqual([
      { start: 0n, end: 0n },
      { start: 0n, end: 0n },
    ]);
    const unknown = { code: 'TOPIC_NOT_FOUND' };
    await expect(context.log.admin.describeTopics(['no.such.topic.v1'])).rejects.toMatchObject(unknown);
    await expect(context.log.append([output('no.such.topic.v1', 'a', '1')])).rejects.toMatchObject(unknown);
    await expect(context.log.openReader(['no.such.topic.v1'], { at: 'end' })).rejects.toMatchObject(unknown);
  });
}

function describeAppends(context: LogContext): void {
  it('gives back every part of a record as it was appended', async () => {
    const topic = await context.topic();
    const headers: OutputRecord['headers'] = [
      ['trace', new Uint8Array([0, 255, 128])],
      ['trace', new Uint8Array()],
      ['größe', bytes('x')],
    ];
    const [at] = await context.log.append([
      output(topic, 'key', 'value', { timestamp: 1_700_000_000_123, headers }),
    ]);
    const [record] = await readAll(context.log, topic);
    expect(record).toMatchObject({ topic, partition: 0, timestamp: 1_700_000_000_123 });
    expect(record?.offset).toBe(at?.offset);
    expect([text(record?.key ?? null), text(record?.value ?? null)]).toEqual(['key', 'value']);
    expect(record?.headers.map(([name, value]) => [name, [...value]])).toEqual(
      headers.map(([name, value]) => [name, [...value]]),
    );
  });

  it('tells an empty value from a tombstone and an empty key from none', async () => {
    const topic = await context.topic();
    await context.log.append([output(topic, '', ''), output(topic, null, null)]);
    const records = await readAll(context.log, topic);
    expect(records.map(({ key, value }) => [text(key), text(value)])).toEqual([
      ['', ''],
      [null, null],
    ]);
  });

  it('places keys where Kafka places them', async () => {
    const topic = await context.topic(7);
    // toPositive(murmur2(key)) % 7, from the hashes of Kafka's own test of murmur2.
    const expected = { 21: (-973932308 & 0x7fffffff) % 7, foobar: (-790332482 & 0x7fffffff) % 7 };
    for (const [key, partition] of Object.entries(expected)) {
      expect(await context.log.append([output(topic, key, 'x')])).toMatchObject([{ topic, partition }]);
    }
  });

  it('puts a record into the partition it names', async () => {
    const topic = await context.topic(3);
    const landed = await context.log.append([
      output(topic, 'a', 'x', { partition: 2 }),
      output(topic, 'a', 'y', { partition: 0 }),
    ]);
    expect(landed.map((at) => at.partition)).toEqual([2, 0]);
  });

  it('keeps the order of appends in each partition', async () => {
    const topic = await context.topic(4);
    for (let i = 0; i < 20; i++) {
      await context.log.append(
        Array.from({ length: 10 }, (_, j) => output(topic, `k${j}`, String(i * 10 + j))),
      );
    }
    const records = await readAll(context.log, topic);
    expect(records).toHaveLength(200);
    for (let partition = 0; partition < 4; partition++) {
      const own = records.filter((record) => record.partition === partition);
      const values = own.map((record) => Number(text(record.value)));
      expect(values).toEqual([...values].sort((a, b) => a - b));
      expect(own.every((record, i) => i === 0 || record.offset > (own[i - 1]?.offset ?? 0n))).toBe(true);
    }
  });

  it('appends all of one call or nothing', async () => {
    const topic = await context.topic(2);
    const bad = [output(topic, 'a', '1'), output('no.such.topic.v1', 'a', '2')];
    await expect(context.log.append(bad)).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND' });
    expect(await readAll(context.log, topic)).toEqual([]);
  });
}

function describeReaders(context: LogContext): void {
  it('reads from an offset', async () => {
    const topic = await context.topic();
    const landed = await context.log.append(numbered(topic, 10));
    const seven = landed[7];
    if (seven === undefined) throw new Error('too few records');
    const reader = await context.log.openReader([topic], { at: 'offsets', offsets: [seven] });
    const records = await reader.next(POLL);
    expect(records.map((record) => text(record.value))).toEqual(['7', '8', '9']);
    await reader.close();
  });

  it('refuses an offset that the partition does not hold', async () => {
    const topic = await context.topic();
    await context.log.append(numbered(topic, 3));
    const offsets = [{ topic, partition: 0, offset: 99n }];
    await expect(context.log.openReader([topic], { at: 'offsets', offsets })).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
    });
  });

  it('finds the first record at or after a time, though times go back and forth', async () => {
    const topic = await context.topic();
    const times = [50, 10, 30, 20, 60, 40];
    const landed = await context.log.append(
      times.map((timestamp, i) => output(topic, 'a', String(i), { timestamp })),
    );
    const at = async (time: number) => (await context.log.admin.offsetsForTime(topic, time))[0]?.offset;
    expect(await at(0)).toBe(landed[0]?.offset);
    expect(await at(50)).toBe(landed[0]?.offset);
    expect(await at(51)).toBe(landed[4]?.offset);
    // Behind the last record; a log may keep marks of its own there, which have times too.
    const after = await at(61);
    const end = (await context.log.admin.describeTopics([topic]))[0]?.offsets[0]?.end ?? -1n;
    expect(after !== undefined && after > (landed[5]?.offset ?? 0n) && after <= end).toBe(true);
    const reader = await context.log.openReader([topic], { at: 'time', timestampMs: 51 });
    expect((await reader.next(POLL)).map((record) => text(record.value))).toEqual(['4', '5']);
    await reader.close();
  });

  it('reads from the end only what comes later, and wakes up for it', async () => {
    const topic = await context.topic();
    await context.log.append(numbered(topic, 3));
    const reader = await context.log.openReader([topic], { at: 'end' });
    expect(await reader.next(NO_WAIT)).toEqual([]);
    const waiting = reader.next(POLL);
    await context.log.append([output(topic, 'a', 'new')]);
    expect((await waiting).map((record) => text(record.value))).toEqual(['new']);
    await reader.close();
  });

  it('wakes a reader for an append of another connection', async () => {
    const topic = await context.topic();
    const other = await context.harness.connect();
    const reader = await context.log.openReader([topic], { at: 'end' });
    const waiting = reader.next(POLL);
    await other.append([output(topic, 'a', 'from elsewhere')]);
    expect((await waiting).map((record) => text(record.value))).toEqual(['from elsewhere']);
    await reader.close();
    await other.close();
  });

  it('keeps a fetch within its count and its size, but returns one record of any size', async () => {
    const topic = await context.topic();
    const big = 'x'.repeat(5_000);
    await context.log.append(Array.from({ length: 10 }, (_, i) => output(topic, `k${i}`, big)));
    const reader = await context.log.openReader([topic], { at: 'beginning' });
    expect(await reader.next({ ...POLL, maxRecords: 3 })).toHaveLength(3);
    expect(await reader.next({ ...POLL, maxBytes: 11_000 })).toHaveLength(2);
    expect(await reader.next({ ...POLL, maxBytes: 10 })).toHaveLength(1);
    expect(await reader.next(POLL)).toHaveLength(4);
    await reader.close();
  });
}
