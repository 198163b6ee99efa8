/** What a wrong configuration or a wrong address ends in, on any real server. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { S3StoreOptions } from '../../../src/adapters/objects-s3/options.ts';
import { openS3Store } from '../../../src/adapters/objects-s3/s3-store.ts';
import type { S3Server } from './s3-server.ts';
import { freePort } from './server-process.ts';

const SYSTEMIC = { code: 'STORE_UNAVAILABLE', kind: 'systemic' };

export function describeS3Misuse(name: string, server: () => S3Server): void {
  describe(`${name}, misused`, () => {
    const opened = (changes: Partial<S3StoreOptions>) =>
      openS3Store({
        ...server(),
        prefix: randomUUID(),
        limits: { maxAttempts: 2, initialBackoffMs: 1 },
        ...changes,
      });

    const wrong: readonly [string, () => Partial<S3StoreOptions> | Promise<Partial<S3StoreOptions>>][] = [
      ['the bucket does not exist', () => ({ bucket: 'no-such-bucket' })],
      ['the secret is wrong', () => ({ credentials: { ...server().credentials, secretAccessKey: 'wrong' } })],
      ['the access key is unknown', () => ({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } })],
      ['nothing listens there', async () => ({ endpoint: `http://127.0.0.1:${await freePort()}` })],
    ];
    it.each(wrong)('is unavailable, and no record is blamed, when %s', async (_title, changes) => {
      const store = opened(await changes());
      await expect(store.open('clip.mp4')).rejects.toMatchObject(SYSTEMIC);
      await expect(store.get('a')).rejects.toMatchObject(SYSTEMIC);
      await expect(store.putIfAbsent('a', new Uint8Array(1))).rejects.toMatchObject(SYSTEMIC);
      await expect(store.delete('a')).rejects.toMatchObject(SYSTEMIC);
      await expect(store.check()).rejects.toMatchObject(SYSTEMIC);
      await store.close();
    });

    it('reads other places only where they are allowed', async () => {
      const prefix = randomUUID();
      await server().upload(`${prefix}/in/clip.mp4`, new Uint8Array(5));
      const uri = `s3://${server().bucket}/${prefix}/in/clip.mp4`;
      await expect(opened({}).open(uri)).rejects.toMatchObject({ code: 'MEDIA_FORBIDDEN' });
      const allowed = opened({ mediaPlaces: [{ bucket: server().bucket, prefix: `${prefix}/in` }] });
      expect((await allowed.open(uri)).sizeBytes).toBe(5);
    });
  });
}
