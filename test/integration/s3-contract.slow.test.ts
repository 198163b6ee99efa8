/** The S3 store against s3proxy, a real S3 server: the contract of every object store, and what is its own. */
import { randomUUID } from 'node:crypto';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3Store, type S3ObjectStore } from '../../src/adapters/objects-s3/s3-store.ts';
import { describeObjectStore } from '../contract/object-store.contract.ts';
import { describeS3Misuse } from '../support/s3/misuse.ts';
import { type S3Server, startS3proxy } from '../support/s3/s3-server.ts';
import { s3Harness } from '../support/s3/store-harness.ts';

let server: S3Server;
beforeAll(async () => {
  server = await startS3proxy();
}, 300_000);
afterAll(() => server?.stop());

describeObjectStore('the S3 store on s3proxy', () => s3Harness(server));
describeS3Misuse('the S3 store on s3proxy', () => server);

describe('the S3 store on s3proxy', () => {
  const store = (prefix: string): S3ObjectStore => openS3Store({ ...server, prefix });

  it('proves at start-up that it can write and read', async () => {
    const prefix = randomUUID();
    const checked = store(prefix);
    await checked.check();
    await checked.check();
    const probe = { Bucket: server.bucket, Key: `${prefix}/.firstfive/probe` };
    expect((await server.client.send(new HeadObjectCommand(probe))).ContentLength).toBeGreaterThan(0);
  });

  it('opens keys with any characters, literally', async () => {
    const prefix = randomUUID();
    const opened = store(prefix);
    for (const name of ['a b/ü+%41?#&=.mp4', 'ключ', '🎬.webm', 'quote\'"<>&.mp4']) {
      await server.upload(`${prefix}/${name}`, new TextEncoder().encode(name));
      for (const uri of [name, `s3://${server.bucket}/${prefix}/${name}`]) {
        const object = await opened.open(uri);
        expect(new TextDecoder().decode(await object.read(0, 100)), uri).toBe(name);
        await object.close();
      }
    }
  });

  it('counts what it fetched and stored', async () => {
    const counted = store(randomUUID());
    await counted.putIfAbsent('k', new Uint8Array(1_000));
    await counted.get('k');
    await counted.get('k');
    expect(counted.stats()).toMatchObject({
      ...{ requests: 3, failedRequests: 0, retries: 0, inFlight: 0 },
      ...{ bytesFetched: 2_000, bytesStored: 1_000, bytesCached: 0 },
    });
  });
});
