import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordBuffer } from '../../../src/adapters/log-kafka/record-buffer.ts';
import { recordBytes, type StreamRecord } from '../../../src/core/record.ts';

const record = (partition: number, offset: number, size = 10): StreamRecord => ({
  topic: 't',
  partition,
  offset: BigInt(offset),
  timestamp: 0,
  key: null,
  value: new Uint8Array(size),
  headers: [],
});
const at = (partition: number) => ({ topic: 't', partition });
const ALL = { maxRecords: 1_000, maxBytes: 1e9 };
const nothingPaused = () => false;

type Step =
  | { readonly do: 'push'; readonly partition: number; readonly size: number }
  | { readonly do: 'take'; readonly max: number; readonly bytes: number }
  | { readonly do: 'close'; readonly partition: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('push' as const), partition: fc.nat(2), size: fc.nat(200) }),
    fc.record({ do: fc.constant('take' as const), max: fc.integer({ min: 1, max: 5 }), bytes: fc.nat(500) }),
    fc.record({ do: fc.constant('close' as const), partition: fc.nat(2) }),
  ),
  { maxLength: 200 },
);
const bytesOf = (records: readonly StreamRecord[]) => records.reduce((sum, one) => sum + recordBytes(one), 0);

/** The buffer beside a plain list per partition. */
class Compared {
  readonly buffer = new RecordBuffer();
  readonly #model: StreamRecord[][] = [[], [], []];
  #offset = 0;

  constructor() {
    this.#model.forEach((_, partition) => {
      this.buffer.open(at(partition));
    });
  }

  get held(): readonly StreamRecord[] {
    return this.#model.flat();
  }

  apply(step: Step): void {
    if (step.do === 'push') {
      const pushed = record(step.partition, this.#offset++, step.size);
      this.buffer.push(pushed);
      this.#model[step.partition]?.push(pushed);
    } else if (step.do === 'close') {
      this.buffer.open(at(step.partition));
      this.#model[step.partition] = [];
    } else this.#take(step.max, step.bytes);
  }

  #take(maxRecords: number, maxBytes: number): void {
    const wasEmpty = this.held.length === 0;
    const taken = this.buffer.take({ maxRecords, maxBytes }, nothingPaused);
    expect(taken.length === 0).toBe(wasEmpty);
    expect(taken.length).toBeLessThanOrEqual(maxRecords);
    if (taken.length > 1) expect(bytesOf(taken)).toBeLessThanOrEqual(maxBytes);
    for (const got of taken) expect(got).toBe(this.#model[got.partition]?.shift());
  }
}

describe('the buffer of fetched records', () => {
  it('keeps order per partition and counts its bytes, under any mix of pushes, takes and closings', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const compared = new Compared();
        for (const step of list) {
          compared.apply(step);
          expect(compared.buffer.bytes).toBe(bytesOf(compared.held));
        }
      }),
    );
  });

  it('holds paused partitions back and lets the others pass', () => {
    const buffer = new RecordBuffer();
    for (const partition of [0, 1]) {
      buffer.open(at(partition));
      buffer.push(record(partition, 1));
    }
    expect(buffer.take(ALL, (key) => key === 't-0').map((got) => got.partition)).toEqual([1]);
    expect(buffer.take(ALL, nothingPaused).map((got) => got.partition)).toEqual([0]);
  });

  it('does not count what is set aside, and counts it again afterwards (B3)', () => {
    const buffer = new RecordBuffer();
    for (const partition of [0, 1]) {
      buffer.open(at(partition));
      buffer.push(record(partition, 1));
    }
    const one = recordBytes(record(0, 1));
    buffer.setAside(at(0), true);
    buffer.setAside(at(0), true);
    expect(buffer.bytes).toBe(one);
    buffer.push(record(0, 2));
    expect(buffer.bytes).toBe(one);
    buffer.setAside(at(0), false);
    expect(buffer.bytes).toBe(3 * one);
    buffer.setAside(at(0), true);
    buffer.close(at(0));
    expect(buffer.bytes).toBe(one);
    buffer.close(at(1));
    expect(buffer.bytes).toBe(0);
  });

  it('tells the topic of a partition to what decides whether it is taken', () => {
    const buffer = new RecordBuffer();
    buffer.open(at(0));
    buffer.push(record(0, 1));
    expect(buffer.take(ALL, (_, topic) => topic === 't')).toEqual([]);
    expect(buffer.take(ALL, (_, topic) => topic !== 't')).toHaveLength(1);
  });

  it('gives every partition its turn while one of them is always full', () => {
    const buffer = new RecordBuffer();
    for (const partition of [0, 1, 2]) buffer.open(at(partition));
    for (let offset = 0; offset < 500; offset++) buffer.push(record(0, offset));
    buffer.push(record(1, 0));
    buffer.push(record(2, 0));
    const seen = new Set<number>();
    for (let take = 0; take < 3; take++) {
      for (const got of buffer.take({ maxRecords: 100, maxBytes: 1e9 }, nothingPaused))
        seen.add(got.partition);
    }
    expect([...seen].sort()).toEqual([0, 1, 2]);
  });

  it('drops what comes for a partition that is not open', () => {
    const buffer = new RecordBuffer();
    buffer.push(record(0, 1));
    expect([buffer.bytes, buffer.take(ALL, nothingPaused)]).toEqual([0, []]);
  });
});
