/** The S3 store against versitygw, a second real S3 server, which keeps versions. Only in the long form: it is compiled first. */
import { randomUUID } from 'node:crypto';
import { GetObjectCommand, ListObjectVersionsCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3Store } from '../../src/adapters/objects-s3/s3-store.ts';
import { describeObjectStore } from '../contract/object-store.contract.ts';
import { describeS3Misuse } from '../support/s3/misuse.ts';
import { type S3Server, startVersitygw } from '../support/s3/s3-server.ts';
import { s3Harness } from '../support/s3/store-harness.ts';

describe.runIf(process.env.FIRSTFIVE_TEST_LONG === '1')('versitygw', () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw();
  }, 900_000);
  afterAll(() => server?.stop());

  describeObjectStore('the S3 store on versitygw', () => s3Harness(server));
  describeS3Misuse('the S3 store on versitygw', () => server);

  describe('the S3 store on a bucket that keeps versions', () => {
    beforeAll(async () => {
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await server.client.send(
        new PutBucketVersioningCommand({ Bucket: server.bucket, VersioningConfiguration }),
      );
    });

    it('reads on from the version that it opened when a new one is uploaded', async () => {
      const prefix = randomUUID();
      const store = openS3Store({ ...server, prefix });
      const [first, second] = [new Uint8Array(300_000).fill(1), new Uint8Array(300_000).fill(2)];
      await server.upload(`${prefix}/clip.mp4`, first);
      const object = await store.open('clip.mp4');
      await server.upload(`${prefix}/clip.mp4`, second);
      expect(await object.read(200_000, 1_000)).toEqual(first.subarray(0, 1_000));
      const again = await store.open('clip.mp4');
      expect(await again.read(200_000, 1_000)).toEqual(second.subarray(0, 1_000));
      expect(again.etag).not.toBe(object.etag);
      await store.close();
    });

    it('erases for good: no version is left', async () => {
      const prefix = randomUUID();
      const store = openS3Store({ ...server, prefix });
      await store.putIfAbsent('artefact', new Uint8Array(100));
      expect(await store.delete('artefact')).toBe(true);
      const versions = new ListObjectVersionsCommand({ Bucket: server.bucket, Prefix: prefix });
      const left = await server.client.send(versions);
      expect([...(left.Versions ?? []), ...(left.DeleteMarkers ?? [])]).toEqual([]);
      const get = new GetObjectCommand({ Bucket: server.bucket, Key: `${prefix}/artefact` });
      await expect(server.client.send(get)).rejects.toMatchObject({ name: 'NoSuchKey' });
      await store.close();
    });
  });
});
