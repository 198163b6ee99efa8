/** How much of an upload is read: what its first seconds occupy, wherever the index is and however long the rest. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FormatContext, Packet } from 'node-av/lib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLibavDecoder, type LibavDecoder } from '../../../src/adapters/media-libav/decoder.ts';
import { BlockPool } from '../../../src/adapters/objects-s3/block-pool.ts';
import { CachedObject } from '../../../src/adapters/objects-s3/cached-object.ts';
import { DEFAULT_S3_LIMITS } from '../../../src/adapters/objects-s3/options.ts';
import type { PinnedObject } from '../../../src/stages/object-store.ts';
import { longMovie, readMovie, writeMovie } from '../../support/long-movie.ts';
import { FIVE_SECONDS, fileObject, requestFor } from '../../support/media-objects.ts';
import { sharedData } from '../../support/shared-data.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const WINDOW_SECONDS = FIVE_SECONDS.windowMs[1] / 1000;
const BLOCK = DEFAULT_S3_LIMITS.blockBytes;
let decoder: LibavDecoder;

beforeAll(async () => {
  decoder = await createLibavDecoder({ children: 1 });
});

afterAll(() => decoder?.close());

/** An object behind the S3 store's cache, on a store that only counts. */
function cachedObject(sizeBytes: number, bytesAt: (start: number, end: number) => Uint8Array) {
  const counted = { fetched: 0, requests: 0 };
  const fetch = (start: number, end: number) => {
    counted.fetched += end - start;
    counted.requests += 1;
    return bytesAt(start, end);
  };
  const cached = new CachedObject({
    ...{ size: sizeBytes, pool: new BlockPool(DEFAULT_S3_LIMITS), limits: DEFAULT_S3_LIMITS },
    read: async ({ start, end }, onBytes) => onBytes(fetch(start, end)),
  });
  cached.seed(fetch(0, Math.min(BLOCK, sizeBytes)));
  const object: PinnedObject = {
    ...{ uri: 'counted:object', sizeBytes, etag: 'counted' },
    read: (offset, length, signal) => cached.read(offset, length, signal),
    close: async () => cached.close(),
  };
  return { object, counted };
}

/** Where the last byte of the window's packets lies. */
async function windowEnd(path: string): Promise<number> {
  const format = new FormatContext();
  await format.openInput(path);
  await format.findStreamInfo(null);
  const bases = format.streams.map(({ timeBase }) => timeBase.num / timeBase.den);
  const packet = new Packet();
  packet.alloc();
  let end = 0;
  while ((await format.readFrame(packet)) >= 0) {
    if (Number(packet.pts) * (bases[packet.streamIndex] ?? 1) < WINDOW_SECONDS) {
      end = Math.max(end, Number(packet.pos) + packet.size);
    }
    packet.unref();
  }
  packet.free();
  await format.closeInput();
  return end;
}

describe('what is fetched of a remote upload', () => {
  const videos = sharedData('snapugc/videos');
  it.skipIf(videos === undefined)(
    'is at most 1.2 times what its first seconds occupy, for every real upload',
    async () => {
      for (const name of readdirSync(videos ?? '')) {
        const path = join(videos ?? '', name);
        const bytes = readFileSync(path);
        const { object, counted } = cachedObject(bytes.byteLength, (start, end) =>
          bytes.subarray(start, end),
        );
        await decoder.extract(requestFor(object, { deadlineMs: 60_000 }));
        const occupied = await windowEnd(path);
        process.stderr.write(
          `note: ${name.slice(0, 8)}: ${counted.fetched} bytes in ${counted.requests} requests, ` +
            `${(counted.fetched / occupied).toFixed(3)} of ${occupied}\n`,
        );
        expect(counted.fetched / occupied, name).toBeLessThanOrEqual(1.2);
      }
    },
  );
});

describe('a four-hour upload of 4 GB', () => {
  const HOURS = 4 * 3600;

  it.each(['start', 'end'] as const)(
    'is fetched as one of ten seconds is, its index at the %s',
    async (at) => {
      const long = longMovie(HOURS, at);
      const short = longMovie(10, at);
      expect(long.sizeBytes).toBeGreaterThan(4e9);
      const decoded = [];
      for (const movie of [long, short]) {
        const { object, counted } = cachedObject(movie.sizeBytes, (start, end) =>
          readMovie(movie, start, end - start),
        );
        decoded.push(await decoder.decode(requestFor(object, { deadlineMs: 60_000 })));
        const media = counted.fetched - movie.indexBytes;
        // Reading ahead follows what has been read, the index included.
        const ahead = movie.indexBytes / 16 + 2 * BLOCK;
        expect(media).toBeLessThanOrEqual(1.2 * WINDOW_SECONDS * movie.secondBytes + ahead);
      }
      const [ofLong, ofShort] = decoded;
      expect(ofLong?.facts).toEqual(ofShort?.facts);
      expect(ofLong?.extraction.video).toEqual(ofShort?.extraction.video);
      expect(ofLong?.extraction.audio).toEqual(ofShort?.extraction.audio);
    },
  );

  it.each(['start', 'end'] as const)('is decoded from a local file, its index at the %s', async (at) => {
    const folder = mkdtempSync(join(tmpdir(), 'firstfive-long-'));
    try {
      const path = join(folder, 'long.mov');
      writeMovie(longMovie(HOURS, at), path);
      const { extraction, facts } = await decoder.decode(
        requestFor(fileObject(path), { deadlineMs: 60_000 }),
      );
      expect(extraction.probe.durationMs).toBe(HOURS * 1000);
      expect(extraction.video?.targets.map(({ ptsMs }) => ptsMs)).toEqual([0, 1000, 2000, 3000, 4000]);
      expect(extraction.audio?.samples.length).toBe(80_000);
      expect(facts.decodedFrames).toBeLessThan(200);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
