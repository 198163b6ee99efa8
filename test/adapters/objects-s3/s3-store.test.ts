/** The S3 store against answers that real servers do not give on demand. What they do is tested in test/integration. */
import { afterEach, describe, expect, it } from 'vitest';
import type { S3StoreOptions } from '../../../src/adapters/objects-s3/options.ts';
import { openS3Store, type S3ObjectStore } from '../../../src/adapters/objects-s3/s3-store.ts';
import {
  answerObject,
  type ScriptedAnswer,
  type ScriptedRequest,
  type ScriptedS3,
  startScriptedS3,
} from '../../support/s3/scripted-s3.ts';

const BYTES = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
const OBJECT = { bytes: BYTES, etag: '"v1"' };
const DENIED: ScriptedAnswer = { status: 403, code: 'AccessDenied' };
const MISSING: ScriptedAnswer = { status: 404, code: 'NoSuchKey' };
const OK: ScriptedAnswer = { status: 200 };

let server: ScriptedS3 | undefined;
let store: S3ObjectStore | undefined;
afterEach(async () => {
  await store?.close();
  await server?.stop();
});

async function scripted(
  script: (request: ScriptedRequest) => ScriptedAnswer,
  changes: Partial<S3StoreOptions> = {},
): Promise<S3ObjectStore> {
  server = await startScriptedS3(script);
  store = openS3Store({
    ...{ bucket: 'bucket', prefix: '', endpoint: server.endpoint },
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    limits: { maxAttempts: 3, initialBackoffMs: 1 },
    ...changes,
  });
  return store;
}

const isBucket = ({ path }: ScriptedRequest) => path === '/bucket' || path === '/bucket/';

describe('the S3 store, asked for one object', () => {
  it('opens it with one request, and reads its first block without another', async () => {
    const s3 = await scripted((request) => answerObject(request, OBJECT));
    const object = await s3.open('clip');
    expect(object).toMatchObject({ uri: 'clip', sizeBytes: 200_000, etag: 'v1' });
    expect(await object.read(0, 4_096)).toEqual(BYTES.subarray(0, 4_096));
    expect(server?.seen.map(({ method, headers }) => [method, headers.range])).toEqual([
      ['GET', 'bytes=0-65535'],
    ]);
  });

  it('sends If-Match with every range after the first (O1)', async () => {
    const s3 = await scripted((request) => answerObject(request, OBJECT));
    const object = await s3.open('clip');
    await object.read(60_000, 100_000);
    expect(server?.seen.map(({ headers }) => headers['if-match'])).toEqual([undefined, '"v1"']);
  });

  it('finds a change although the server ignores If-Match', async () => {
    let etag = '"v1"';
    const s3 = await scripted(({ headers: { 'if-match': _ignored, ...headers }, ...request }) =>
      answerObject({ ...request, headers }, { bytes: BYTES, etag }),
    );
    const object = await s3.open('clip');
    etag = '"v2"';
    await expect(object.read(100_000, 10)).rejects.toMatchObject({ code: 'MEDIA_CHANGED' });
  });

  it('reads the version that it opened, where the bucket keeps versions', async () => {
    const s3 = await scripted((request) => answerObject(request, { ...OBJECT, versionId: 'abc' }));
    const object = await s3.open('clip');
    expect(await object.read(100_000, 10)).toEqual(BYTES.subarray(100_000, 100_010));
    expect(server?.seen.map(({ query }) => query.get('versionId'))).toEqual([null, 'abc']);
  });

  it('does without the version where reading by version is not allowed', async () => {
    const s3 = await scripted((request) =>
      request.query.has('versionId') ? DENIED : answerObject(request, { ...OBJECT, versionId: 'abc' }),
    );
    const object = await s3.open('clip');
    expect(await object.read(100_000, 10)).toEqual(BYTES.subarray(100_000, 100_010));
    expect(server?.seen.at(-1)?.headers['if-match']).toBe('"v1"');
  });

  it('says so when a server does not answer ranges, in place of fetching whole files', async () => {
    const s3 = await scripted(() => ({ status: 200, headers: { etag: '"v1"' }, body: BYTES }));
    await expect(s3.open('clip')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', kind: 'systemic' });
    expect(s3.stats().bytesFetched).toBeLessThan(BYTES.length);
  });

  it('accepts a whole small object in place of its range', async () => {
    const s3 = await scripted(() => ({
      status: 200,
      headers: { etag: '"v1"' },
      body: BYTES.subarray(0, 100),
    }));
    expect(await (await s3.open('clip')).read(0, 200)).toEqual(BYTES.subarray(0, 100));
  });

  it.each([
    ['InvalidObjectState', 403, 'MEDIA_FORBIDDEN'],
    ['KMS.DisabledException', 400, 'MEDIA_FORBIDDEN'],
    ['NoSuchKey', 404, 'MEDIA_NOT_FOUND'],
    ['NoSuchBucket', 404, 'STORE_UNAVAILABLE'],
    ['ExpiredToken', 400, 'STORE_UNAVAILABLE'],
    ['PermanentRedirect', 301, 'STORE_UNAVAILABLE'],
    ['AuthorizationHeaderMalformed', 400, 'STORE_UNAVAILABLE'],
  ])('takes %s (%i) for %s', async (code, status, expected) => {
    const s3 = await scripted((request) => (isBucket(request) ? OK : { status, code }));
    await expect(s3.open('clip')).rejects.toMatchObject({ code: expected });
  });
});

describe('the S3 store, denied an object (403)', () => {
  it('forbids the record when the bucket itself answers', async () => {
    const s3 = await scripted((request) => (isBucket(request) ? OK : DENIED));
    await expect(s3.open('clip')).rejects.toMatchObject({ code: 'MEDIA_FORBIDDEN', kind: 'terminal' });
  });

  it('is unavailable when the bucket is denied as well', async () => {
    const s3 = await scripted(() => DENIED);
    await expect(s3.open('clip')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', kind: 'systemic' });
  });

  it('is unavailable when what could be read before is denied too, whatever the bucket says', async () => {
    let lost = false;
    const s3 = await scripted((request) => {
      if (isBucket(request)) return OK;
      return lost ? DENIED : answerObject(request, OBJECT);
    });
    await s3.open('earlier');
    lost = true;
    await expect(s3.open('later')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', kind: 'systemic' });
  });

  it('forbids the record when what could be read before still can, without asking for the bucket', async () => {
    const s3 = await scripted((request) => {
      if (isBucket(request) || request.path.endsWith('secret')) return DENIED;
      return answerObject(request, OBJECT);
    });
    await s3.open('earlier');
    await expect(s3.open('secret')).rejects.toMatchObject({ code: 'MEDIA_FORBIDDEN' });
    expect(server?.seen.some(isBucket)).toBe(false);
  });

  it('asks for the bucket when what could be read before is gone', async () => {
    let gone = false;
    const s3 = await scripted((request) => {
      if (isBucket(request)) return OK;
      if (!gone) return answerObject(request, OBJECT);
      return request.path.endsWith('secret') ? DENIED : MISSING;
    });
    await s3.open('earlier');
    gone = true;
    await expect(s3.open('secret')).rejects.toMatchObject({ code: 'MEDIA_FORBIDDEN' });
    expect(server?.seen.some(isBucket)).toBe(true);
  });

  it('is unavailable when it may not use its own place', async () => {
    const s3 = await scripted((request) => (isBucket(request) ? OK : DENIED));
    const systemic = { code: 'STORE_UNAVAILABLE', kind: 'systemic' };
    await expect(s3.get('a')).rejects.toMatchObject(systemic);
    await expect(s3.putIfAbsent('a', BYTES)).rejects.toMatchObject(systemic);
    await expect(s3.delete('a')).rejects.toMatchObject(systemic);
  });
});

describe('the S3 store, with artefacts', () => {
  it('does not hand out bytes that differ from their SHA-256 (K2)', async () => {
    const headers = { etag: '"v1"', 'x-amz-meta-ff-sha256': '0'.repeat(64) };
    const s3 = await scripted((request) => (isBucket(request) ? OK : { status: 200, headers, body: BYTES }));
    await expect(s3.get('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(s3.stats().retries).toBe(2);
  });

  it('erases the version itself where the bucket keeps versions (K3)', async () => {
    const s3 = await scripted((request) =>
      request.method === 'DELETE' ? { status: 204 } : answerObject(request, { ...OBJECT, versionId: 'abc' }),
    );
    expect(await s3.delete('a')).toBe(true);
    expect(server?.seen.at(-1)).toMatchObject({ method: 'DELETE' });
    expect(server?.seen.at(-1)?.query.get('versionId')).toBe('abc');
  });

  it('does not take a missing bucket for a deleted object', async () => {
    const s3 = await scripted(() => ({ status: 404, code: 'NoSuchBucket' }));
    await expect(s3.delete('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('the S3 store, asked for files', () => {
  it('hands them to the store for files where it has one', async () => {
    const opened: string[] = [];
    const files: NonNullable<S3StoreOptions['files']> = {
      open: async (uri) => {
        opened.push(uri);
        return { uri, sizeBytes: 1, etag: 'e', read: async () => BYTES.slice(0, 1), close: async () => {} };
      },
    };
    const s3 = await scripted(() => MISSING, { files });
    await s3.open('file:///videos/a.mp4');
    await s3.open('/videos/b.mp4');
    expect(opened).toEqual(['file:///videos/a.mp4', '/videos/b.mp4']);
    expect(server?.seen).toHaveLength(0);
  });

  it('refuses them where it has none', async () => {
    const s3 = await scripted(() => MISSING);
    await expect(s3.open('file:///etc/hosts')).rejects.toMatchObject({ code: 'MEDIA_URI_INVALID' });
    await expect(s3.open('/etc/hosts')).rejects.toMatchObject({ code: 'MEDIA_FORBIDDEN' });
  });
});

describe('the S3 store, as a whole', () => {
  it('sends no more requests at once than it may, and serves every reader', async () => {
    let most = 0;
    const s3 = await scripted(
      (request) => {
        most = Math.max(most, s3.stats().inFlight);
        return answerObject(request, OBJECT);
      },
      { limits: { maxRequests: 3 } },
    );
    const objects = await Promise.all(Array.from({ length: 20 }, (_, i) => s3.open(`clip-${i}`)));
    const reads = await Promise.all(objects.map((object) => object.read(70_000, 100)));
    for (const bytes of reads) expect(bytes).toEqual(BYTES.subarray(70_000, 70_100));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(3);
  });

  it('keeps the cache of all objects within its bound', async () => {
    const s3 = await scripted((request) => answerObject(request, OBJECT), {
      limits: { cacheBytes: 300_000 },
    });
    const objects = await Promise.all(Array.from({ length: 10 }, (_, i) => s3.open(`clip-${i}`)));
    for (const object of objects) expect(await object.read(0, 200_000)).toEqual(BYTES);
    expect(s3.stats().bytesCached).toBeGreaterThan(200_000);
    expect(s3.stats().bytesCached).toBeLessThanOrEqual(300_000);
    await Promise.all(objects.map((object) => object.close()));
    expect(s3.stats().bytesCached).toBe(0);
  });
});
