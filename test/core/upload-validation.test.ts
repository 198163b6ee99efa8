import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UploadEvent, UploadId } from '../../src/core/upload.ts';
import { PUBLISHING_LIMITS, requireValidUpload, utf8Length } from '../../src/core/upload-validation.ts';

const good: UploadEvent = {
  uploadId: 'u' as UploadId,
  revision: 0,
  media: { uri: 'a.mp4' },
  title: 'ok',
  uploadedAt: 0,
  attributes: { caption: 'c' },
};

describe('requireValidUpload', () => {
  it('returns a good event as it is', () => {
    expect(requireValidUpload(good)).toBe(good);
  });

  it.each<[string, Partial<UploadEvent>, string]>([
    ['an empty uploadId', { uploadId: '' as UploadId }, 'UPLOAD_INVALID'],
    ['a long uploadId', { uploadId: 'é'.repeat(257) as UploadId }, 'UPLOAD_INVALID'],
    ['a negative revision', { revision: -1 }, 'UPLOAD_INVALID'],
    ['a fractional revision', { revision: 0.5 }, 'UPLOAD_INVALID'],
    ['a revision beyond 2^53', { revision: 2 ** 53 }, 'UPLOAD_INVALID'],
    ['a time that is NaN', { uploadedAt: Number.NaN }, 'UPLOAD_INVALID'],
    ['a time that Avro cannot hold', { uploadedAt: Number.MAX_SAFE_INTEGER }, 'UPLOAD_INVALID'],
    ['an empty uri', { media: { uri: '' } }, 'MEDIA_URI_INVALID'],
    ['a uri with a NUL', { media: { uri: 'a\0b' } }, 'MEDIA_URI_INVALID'],
    ['a long uri', { media: { uri: 'x'.repeat(8_193) } }, 'MEDIA_URI_INVALID'],
    ['half a surrogate pair in the title', { title: 'a\ud83d' }, 'TEXT_NOT_UTF8'],
    ['half a surrogate pair in an attribute', { attributes: { x: '\udc00' } }, 'TEXT_NOT_UTF8'],
    ['a title of 100 kB', { title: 'x'.repeat(100_000) }, 'TEXT_TOO_LARGE'],
    ['a caption of 66 kB in UTF-8', { attributes: { caption: '東'.repeat(22_000) } }, 'TEXT_TOO_LARGE'],
    [
      'too many attributes',
      { attributes: Object.fromEntries([...Array(65).keys()].map((i) => [i, ''])) },
      'UPLOAD_INVALID',
    ],
  ])('refuses %s', (_, change, code) => {
    expect(() => requireValidUpload({ ...good, ...change })).toThrow(expect.objectContaining({ code }));
  });

  it('takes a title of exactly the limit, and publishers may send more', () => {
    requireValidUpload({ ...good, title: 'x'.repeat(65_536) });
    expect(() => requireValidUpload({ ...good, title: 'x'.repeat(65_537) })).toThrow();
    requireValidUpload({ ...good, title: 'x'.repeat(65_537) }, PUBLISHING_LIMITS);
  });

  it('never repeats what a field holds', () => {
    const secret = 'SECRET';
    for (const change of [
      { title: `${secret}\ud800` },
      { description: secret.repeat(20_000) },
      { media: { uri: `${secret}\0` } },
    ]) {
      try {
        requireValidUpload({ ...good, ...change });
        expect.unreachable();
      } catch (thrown) {
        expect(String(thrown)).not.toContain(secret);
      }
    }
  });
});

describe('utf8Length', () => {
  it('is what an encoder gives', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).byteLength);
      }),
    );
  });
});
