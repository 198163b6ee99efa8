/** The S3 store on s3proxy through a proxy that spoils answers: every fault ends right, and in bounded time. */
import { createHash, randomUUID } from 'node:crypto';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { S3Limits } from '../../src/adapters/objects-s3/options.ts';
import { openS3Store, type S3ObjectStore } from '../../src/adapters/objects-s3/s3-store.ts';
import { type Fault, type FaultProxy, type Plan, startFaultProxy } from '../support/s3/fault-proxy.ts';
import { type S3Server, startS3proxy } from '../support/s3/s3-server.ts';

const KIB = 1024;
const BLOCK = 64 * KIB;
/** Whole operations end within the operation's time, and a probe's for each of two questions. */
const LIMITS: Partial<S3Limits> = {
  ...{ maxAttempts: 5, initialBackoffMs: 5, maxBackoffMs: 40 },
  ...{ responseTimeoutMs: 400, idleTimeoutMs: 300, minBytesPerSecond: 256 * KIB, operationTimeoutMs: 3_000 },
};
const BOUND_MS = 3_000 + 2 * 400 + 700;

let server: S3Server;
let proxy: FaultProxy;
let store: S3ObjectStore;
let prefix: string;
let clip: Uint8Array;

beforeAll(async () => {
  server = await startS3proxy();
  proxy = await startFaultProxy(server.port);
}, 300_000);
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
});

beforeEach(async () => {
  prefix = randomUUID();
  store = openS3Store({ ...server, endpoint: proxy.endpoint, prefix, limits: LIMITS });
  clip = pattern(700 * KIB, 1);
  await server.upload(`${prefix}/clip.mp4`, clip);
  proxy.plan(() => undefined);
});
afterEach(() => store.close());

function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function bounded<T>(work: Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work;
  } finally {
    expect(performance.now() - start).toBeLessThan(BOUND_MS);
  }
}

const gets: (plan: (nth: number) => Fault | undefined) => Plan = (plan) => {
  let nth = 0;
  return ({ method }) => (method === 'GET' ? plan(++nth) : undefined);
};

/** Faults of the first answers; then all is well. */
const PASSING: readonly [string, number, Fault][] = [
  ['a burst of 503', 4, { kind: 'status', status: 503, code: 'SlowDown' }],
  ['a 500', 1, { kind: 'status', status: 500, code: 'InternalError' }],
  ['a 429 with Retry-After', 1, { kind: 'status', status: 429, code: 'TooManyRequests', retryAfter: 1 }],
  ['a 400 RequestTimeout', 1, { kind: 'status', status: 400, code: 'RequestTimeout' }],
  ['resets in place of an answer', 3, { kind: 'reset', afterBytes: 0 }],
  ['resets in the middle of a body', 3, { kind: 'reset', afterBytes: 20_000 }],
  ['bodies shorter than announced', 3, { kind: 'cut', afterBytes: 30_000 }],
  ['an answer that never comes', 2, { kind: 'stall', afterBytes: -1 }],
  ['a body that stops coming', 2, { kind: 'stall', afterBytes: 10_000 }],
  ['a body that drips', 1, { kind: 'drip', bytesPerSecond: 2_000 }],
];

describe('the S3 store through faults that pass', () => {
  it.each(PASSING)('opens and reads right in spite of %s', async (_title, count, fault) => {
    proxy.plan(gets((nth) => (nth <= count ? fault : undefined)));
    const opened = await bounded(store.open('clip.mp4'));
    proxy.plan(gets((nth) => (nth <= count ? fault : undefined)));
    expect(digest(await bounded(opened.read(BLOCK, clip.length)))).toBe(digest(clip.subarray(BLOCK)));
    expect(store.stats().retries).toBe(2 * count);
    await opened.close();
  });

  it.each(PASSING)('gets artefacts right in spite of %s', async (_title, count, fault) => {
    await store.putIfAbsent('artefact', clip);
    proxy.plan(gets((nth) => (nth <= count ? fault : undefined)));
    expect(digest(await bounded(store.get('artefact')))).toBe(digest(clip));
  });

  it('goes on at the first byte that has not come, so that no byte is fetched twice', async () => {
    const opened = await store.open('clip.mp4');
    const before = store.stats().bytesFetched;
    proxy.plan(gets((nth) => (nth <= 4 ? { kind: 'cut', afterBytes: 100_000 } : undefined)));
    await opened.read(BLOCK, clip.length);
    expect(store.stats().bytesFetched - before).toBe(clip.length - BLOCK);
    expect(proxy.seen.map(({ range }) => range)[1]).toBe(`bytes=${BLOCK + 100_000}-${clip.length - 1}`);
  });

  it('knows its own object again when the answer to a put was lost', async () => {
    let puts = 0;
    proxy.plan(({ method }) => (method === 'PUT' && ++puts === 1 ? { kind: 'lose-answer' } : undefined));
    expect(await bounded(store.putIfAbsent('mine', clip))).toBe(true);
    expect(puts).toBe(2);
    expect(await store.putIfAbsent('mine', clip)).toBe(false);
  });

  it("does not take another writer's object for its own", async () => {
    await store.putIfAbsent('theirs', new Uint8Array(10));
    let puts = 0;
    proxy.plan(({ method }) =>
      method === 'PUT' && ++puts === 1 ? { kind: 'reset', afterBytes: 0 } : undefined,
    );
    expect(await bounded(store.putIfAbsent('theirs', clip))).toBe(false);
  });

  it('retries a conditional write that met another one (409)', async () => {
    const conflict: Fault = { kind: 'status', status: 409, code: 'ConditionalRequestConflict' };
    let puts = 0;
    proxy.plan(({ method }) => (method === 'PUT' && ++puts <= 2 ? conflict : undefined));
    expect(await store.putIfAbsent('raced', clip)).toBe(true);
  });
});

describe('the S3 store through faults that stay', () => {
  const down: Fault = { kind: 'status', status: 503, code: 'SlowDown' };
  const staying: readonly [string, Fault][] = [
    ['503', down],
    ['resets', { kind: 'reset', afterBytes: 0 }],
    ['no answer', { kind: 'stall', afterBytes: -1 }],
  ];

  it.each(staying)('is unavailable when every request meets %s', async (_title, fault) => {
    proxy.plan(() => fault);
    const systemic = { code: 'STORE_UNAVAILABLE', kind: 'systemic' };
    await expect(bounded(store.open('clip.mp4'))).rejects.toMatchObject(systemic);
    await expect(bounded(store.get('artefact'))).rejects.toMatchObject(systemic);
    await expect(bounded(store.putIfAbsent('artefact', clip))).rejects.toMatchObject(systemic);
  });

  it.each([
    ['fails', down],
    ['stalls', { kind: 'stall', afterBytes: 5_000 }],
    ['drips', { kind: 'drip', bytesPerSecond: 100 }],
  ] as const)('spends the budget of one record alone when only its object %s', async (_title, fault) => {
    await server.upload(`${prefix}/well.mp4`, clip);
    proxy.plan(({ path }) => (path.endsWith('/clip.mp4') ? fault : undefined));
    await expect(bounded(store.open('clip.mp4'))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      kind: 'retryable',
    });
    const well = await bounded(store.open('well.mp4'));
    expect(digest(await well.read(0, clip.length))).toBe(digest(clip));
  });

  it('ends a stalled read at once when it is told to, and leaves no request behind', async () => {
    const opened = await store.open('clip.mp4');
    proxy.plan(() => ({ kind: 'stall', afterBytes: 1_000 }));
    const controller = new AbortController();
    const read = opened.read(200_000, 1_000, controller.signal);
    setTimeout(() => controller.abort(new Error('told to')), 50);
    const start = performance.now();
    await expect(read).rejects.toThrow('told to');
    expect(performance.now() - start).toBeLessThan(200);
    await expect.poll(() => store.stats().inFlight).toBe(0);
  });

  it('ends what is under way when the object is closed', async () => {
    const opened = await store.open('clip.mp4');
    proxy.plan(() => ({ kind: 'stall', afterBytes: 1_000 }));
    const read = expect(opened.read(200_000, 1_000)).rejects.toMatchObject({ code: 'INTERNAL' });
    await opened.close();
    await read;
    await expect.poll(() => store.stats().inFlight).toBe(0);
  });
});

describe('the S3 store on an object that changes', () => {
  it.each([
    ['replaced by other bytes', () => server.upload(`${prefix}/clip.mp4`, pattern(700 * KIB, 2))],
    ['made shorter', () => server.upload(`${prefix}/clip.mp4`, pattern(100, 1))],
    [
      'deleted',
      () => server.client.send(new DeleteObjectCommand({ Bucket: server.bucket, Key: `${prefix}/clip.mp4` })),
    ],
  ])('fails with MEDIA_CHANGED, then and ever after, when it is %s', async (_title, change) => {
    const opened = await store.open('clip.mp4');
    expect(await opened.read(100, 100)).toEqual(clip.subarray(100, 200));
    await change();
    const changed = { code: 'MEDIA_CHANGED', kind: 'retryable' };
    await expect(bounded(opened.read(300 * KIB, 100))).rejects.toMatchObject(changed);
    await expect(opened.read(100, 100)).rejects.toMatchObject(changed);
  });

  it('never joins two contents when it changes between the pieces of one read', async () => {
    const opened = await store.open('clip.mp4');
    let replaced = false;
    const cutThenReplaced: Plan = async ({ count }) => {
      if (count === 1) return { kind: 'cut', afterBytes: 100_000 };
      if (!replaced) await server.upload(`${prefix}/clip.mp4`, pattern(700 * KIB, 3));
      replaced = true;
      return undefined;
    };
    proxy.plan(cutThenReplaced);
    await expect(bounded(opened.read(BLOCK, 500 * KIB))).rejects.toMatchObject({ code: 'MEDIA_CHANGED' });
    expect(replaced).toBe(true);
  });
});

describe('what the S3 store fetches', () => {
  it('costs an MP4 with its moov at the end a head, a tail and the window, not the file', async () => {
    const size = 24 * 1024 * KIB;
    const moov = 90 * KIB;
    const window = 1_200 * KIB;
    const film = pattern(size, 5);
    await server.upload(`${prefix}/film.mp4`, film);
    const before = store.stats();
    const opened = await store.open('film.mp4');
    const read = async (offset: number, length: number) =>
      expect(digest(await opened.read(offset, length))).toBe(digest(film.subarray(offset, offset + length)));
    await read(0, 4 * KIB); // ftyp, the head of mdat
    await read(size - moov, 16); // the head of moov
    for (let at = size - moov; at < size; at += 32 * KIB) await read(at, Math.min(32 * KIB, size - at));
    expect(store.stats().requests - before.requests).toBe(2);
    for (let at = 4 * KIB; at < window; at += 32 * KIB) await read(at, Math.min(32 * KIB, window - at));
    await opened.close();
    const after = store.stats();
    const fetched = after.bytesFetched - before.bytesFetched;
    process.stderr.write(
      `note: ${after.requests - before.requests} requests and ${fetched} bytes for ${window + moov} needed of ${size}\n`,
    );
    expect(fetched).toBeLessThanOrEqual(1.125 * window + moov + 2 * BLOCK);
    expect(after.requests - before.requests).toBeLessThanOrEqual(24);
  });
});
