import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RangeReader } from '../../../src/adapters/objects-s3/block-fetch.ts';
import { BlockPool } from '../../../src/adapters/objects-s3/block-pool.ts';
import { CachedObject } from '../../../src/adapters/objects-s3/cached-object.ts';
import type { ReadAheadLimits } from '../../../src/adapters/objects-s3/read-ahead.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';

const BLOCK = 16;

function content(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff);
}

interface Source {
  readonly read: RangeReader;
  readonly ranges: { readonly start: number; readonly end: number }[];
  fetched(): number;
}

/** Delivers in pieces of odd length, with a turn of the event loop between them. */
function source(bytes: Uint8Array, pieceBytes = 7): Source {
  const ranges: { start: number; end: number }[] = [];
  return {
    ranges,
    fetched: () => ranges.reduce((sum, { start, end }) => sum + end - start, 0),
    read: async ({ start, end }, onBytes, signal) => {
      ranges.push({ start, end });
      for (let at = start; at < end; at += pieceBytes) {
        await new Promise(setImmediate);
        signal.throwIfAborted();
        onBytes(bytes.subarray(at, Math.min(end, at + pieceBytes)));
      }
    },
  };
}

function cached(
  bytes: Uint8Array,
  from: Source,
  changes: Partial<ReadAheadLimits & { cacheBytes: number }> = {},
) {
  const limits = {
    ...{ blockBytes: BLOCK, maxFetchBytes: 8 * BLOCK, tailBytes: 0 },
    ...{ cacheBytes: 1 << 20, cacheBytesPerObject: 1 << 20 },
    ...changes,
  };
  const pool = new BlockPool(limits);
  return { pool, object: new CachedObject({ size: bytes.length, read: from.read, pool, limits }) };
}

const read = fc.record({
  offset: fc.integer({ min: 0, max: 1_100 }),
  length: fc.integer({ min: 0, max: 400 }),
  /** Started together with the next one. */
  together: fc.boolean(),
});

describe('CachedObject', () => {
  it('gives the right bytes for any reads, one by one or at once, with any size of cache', async () => {
    const anyLimits = fc.record({
      maxFetchBytes: fc.integer({ min: BLOCK, max: 10 * BLOCK }),
      tailBytes: fc.integer({ min: 0, max: 200 }),
      cacheBytes: fc.integer({ min: 0, max: 40 * BLOCK }),
      cacheBytesPerObject: fc.integer({ min: 0, max: 20 * BLOCK }),
    });
    const check = fc.asyncProperty(
      fc.integer({ min: 1, max: 1_000 }),
      fc.array(read, { maxLength: 25 }),
      anyLimits,
      async (size, reads, limits) => {
        const bytes = content(size);
        const from = source(bytes);
        const { object, pool } = cached(bytes, from, limits);
        let pending: Promise<void>[] = [];
        for (const { offset, length, together } of reads) {
          const expected = bytes.subarray(offset, offset + length);
          pending.push(object.read(offset, length).then((got) => expect(got).toEqual(expected)));
          if (together) continue;
          await Promise.all(pending);
          pending = [];
          expect(pool.bytes).toBeLessThanOrEqual(Math.min(limits.cacheBytes, limits.cacheBytesPerObject));
        }
        await Promise.all(pending);
        for (const range of from.ranges)
          expect(range.end - range.start).toBeLessThanOrEqual(limits.maxFetchBytes);
      },
    );
    await fc.assert(check, { numRuns: 150 });
  });

  it('fetches no block twice, and beyond the touched blocks no more than read-ahead may, for any reads', async () => {
    const check = fc.asyncProperty(
      fc.integer({ min: 1, max: 1_000 }),
      fc.array(read, { maxLength: 25 }),
      async (size, reads) => {
        const bytes = content(size);
        const from = source(bytes);
        const { object } = cached(bytes, from);
        const touched = new Set<number>();
        let asked = 0;
        for (const { offset, length } of reads) {
          const got = await object.read(offset, length);
          asked += got.length;
          for (let at = offset; at < offset + got.length; at++) touched.add(Math.floor(at / BLOCK));
        }
        await settled(from);
        const fetchedBlocks = from.ranges.flatMap(({ start, end }) =>
          Array.from({ length: Math.ceil((end - start) / BLOCK) }, (_, i) => start / BLOCK + i),
        );
        expect(new Set(fetchedBlocks).size).toBe(fetchedBlocks.length);
        // A1: a run has at most an eighth of itself ahead, and its end need not be that of a block.
        const allowed = reads.length * BLOCK + asked / 8;
        expect(from.fetched()).toBeLessThanOrEqual(touched.size * BLOCK + allowed);
      },
    );
    await fc.assert(check, { numRuns: 150 });
  });

  it('shares one request between concurrent reads of the same blocks (B1)', async () => {
    const bytes = content(1_000);
    const from = source(bytes);
    const { object } = cached(bytes, from);
    await Promise.all([
      object.read(100, 60),
      object.read(110, 20),
      object.read(150, 30),
      object.read(96, 16),
    ]);
    const blocks = from.ranges.flatMap(({ start, end }) => [start, end]);
    expect(blocks).toEqual([96, 160, 160, 192]);
  });

  it('does not make the reader of a block wait for what is fetched with it', async () => {
    const bytes = content(1_000);
    const gate = Promise.withResolvers<void>();
    const held: RangeReader = async ({ start, end }, onBytes) => {
      onBytes(bytes.subarray(start, start + BLOCK));
      await gate.promise;
      onBytes(bytes.subarray(start + BLOCK, end));
    };
    const { object } = cached(bytes, { ...source(bytes), read: held });
    const whole = object.read(0, 4 * BLOCK);
    expect(await object.read(3, 5)).toEqual(bytes.subarray(3, 8));
    gate.resolve();
    expect(await whole).toEqual(bytes.subarray(0, 4 * BLOCK));
  });

  it('ends a request when its last reader has left, and not before', async () => {
    const bytes = content(1_000);
    let ended: unknown;
    const stuck: RangeReader = (_range, _onBytes, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          ended = signal.reason;
          reject(signal.reason);
        });
      });
    const { object } = cached(bytes, { ...source(bytes), read: stuck });
    const [first, second] = [new AbortController(), new AbortController()];
    const reads = [object.read(0, 40, first.signal), object.read(0, 20, second.signal)];
    first.abort(new Error('one'));
    await expect(reads[0]).rejects.toThrow('one');
    expect(ended).toBeUndefined();
    second.abort(new Error('two'));
    await expect(reads[1]).rejects.toThrow('two');
    expect(ended).toMatchObject({ message: 'two' });
  });

  it('asks anew after a request that its readers left or that failed', async () => {
    const bytes = content(100);
    const well = source(bytes);
    let failures = 1;
    const flaky: RangeReader = (range, onBytes, signal) =>
      failures-- > 0 ? Promise.reject(new Error('down')) : well.read(range, onBytes, signal);
    const { object } = cached(bytes, { ...well, read: flaky });
    await expect(object.read(0, 10)).rejects.toThrow('down');
    const controller = new AbortController();
    const left = object.read(0, 10, controller.signal);
    controller.abort(new Error('left'));
    const joined = object.read(0, 10);
    await expect(left).rejects.toThrow('left');
    expect(await joined).toEqual(bytes.subarray(0, 10));
    const other = new AbortController();
    const leftAlone = object.read(50, 10, other.signal);
    other.abort(new Error('left'));
    await expect(leftAlone).rejects.toThrow('left');
    expect(await object.read(50, 10)).toEqual(bytes.subarray(50, 60));
  });

  it('never gives bytes again once the object was found changed (B3)', async () => {
    const bytes = content(1_000);
    const well = source(bytes);
    const read: RangeReader = (range, onBytes, signal) =>
      range.start < 500
        ? well.read(range, onBytes, signal)
        : Promise.reject(new FirstFiveError('MEDIA_CHANGED', 'another ETag'));
    const { object, pool } = cached(bytes, { ...well, read });
    await object.read(0, 10);
    await expect(object.read(600, 10)).rejects.toMatchObject({ code: 'MEDIA_CHANGED' });
    await expect(object.read(0, 10)).rejects.toMatchObject({ code: 'MEDIA_CHANGED' });
    expect(pool.bytes).toBe(0);
  });

  it('frees its memory when it is closed', async () => {
    const bytes = content(1_000);
    const { object, pool } = cached(bytes, source(bytes));
    await object.read(0, 500);
    expect(pool.bytes).toBeGreaterThanOrEqual(500);
    object.close();
    expect(pool.bytes).toBe(0);
    await expect(object.read(0, 1)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it.each([
    [-1, 5],
    [0, -1],
    [0.5, 1],
    [0, Number.NaN],
  ])('refuses a range that is none: %s, %s', async (offset, length) => {
    const bytes = content(10);
    await expect(cached(bytes, source(bytes)).object.read(offset, length)).rejects.toMatchObject({
      code: 'INTERNAL',
    });
  });
});

/** Lets what was fetched ahead finish. */
async function settled(from: Source): Promise<void> {
  for (let i = 0; i < 200 && from.ranges.length > 0; i++) await new Promise(setImmediate);
}
