import { describe, expect, it } from 'vitest';
import { resolveS3Options, type S3StoreOptions } from '../../../src/adapters/objects-s3/options.ts';

const PLACE = { bucket: 'bucket', prefix: '' };

describe('resolveS3Options', () => {
  it('fills in every default', () => {
    const options = resolveS3Options({ ...PLACE, prefix: 'a/b//' });
    expect(options).toMatchObject({
      prefix: 'a/b',
      pathStyle: false,
      mediaPlaces: [{ bucket: 'bucket', prefix: 'a/b' }],
    });
    expect(options.region).toBeUndefined();
    expect(options.limits.blockBytes).toBe(64 * 1024);
  });

  it('takes another server for one with path-style addresses and any region', () => {
    const options = resolveS3Options({ ...PLACE, endpoint: 'http://127.0.0.1:8333' });
    expect(options).toMatchObject({ pathStyle: true, region: 'us-east-1' });
  });

  it.each<[string, Partial<S3StoreOptions>]>([
    ['a bucket that is none', { bucket: 'Not_a_bucket' }],
    ['a prefix with dots', { prefix: 'a/../b' }],
    ['a prefix that starts at the root', { prefix: '/a' }],
    ['an endpoint that is no URL', { endpoint: 'localhost:9000' }],
    ['an endpoint with a password', { endpoint: 'http://user:secret@host' }],
    ['a limit that is no number', { limits: { maxAttempts: Number.NaN } }],
    ['a limit of nothing', { limits: { blockBytes: 0 } }],
    ['fetches shorter than a block', { limits: { blockBytes: 100, maxFetchBytes: 99 } }],
    ['a media place without a bucket', { mediaPlaces: [{ bucket: '', prefix: '' }] }],
  ])('refuses %s', (_title, changes) => {
    expect(() => resolveS3Options({ ...PLACE, ...changes })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.not.stringContaining('secret') }),
    );
  });
});
