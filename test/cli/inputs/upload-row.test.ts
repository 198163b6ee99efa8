import { describe, expect, it } from 'vitest';
import { mediaUri, uploadFromRow, uploadIdOfRow } from '../../../src/cli/inputs/upload-row.ts';

const settings = { baseDir: '/rows', now: 1_700_000_000_000 };
const parse = (row: unknown) => uploadFromRow(new TextEncoder().encode(JSON.stringify(row)), settings);
const base = { uploadId: 'u', media: { uri: 'a.mp4' } };

describe('a row', () => {
  it('becomes an event, with defaults for what it leaves out', () => {
    expect(parse(base)).toEqual({
      uploadId: 'u',
      revision: 0,
      media: { uri: 'file:///rows/a.mp4' },
      uploadedAt: settings.now,
      attributes: {},
    });
  });

  it('may carry everything that an event has', () => {
    const row = {
      ...base,
      revision: 3,
      title: 't',
      description: 'd',
      creatorId: 'c',
      uploadedAt: '2026-01-02T03:04:05Z',
      attributes: { caption: 'x' },
    };
    expect(parse(row)).toEqual({
      ...row,
      media: { uri: 'file:///rows/a.mp4' },
      uploadedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
    });
  });

  it('takes null for absent', () => {
    expect(parse({ ...base, title: null, revision: null, attributes: { caption: null } })).toEqual(
      parse(base),
    );
  });

  it.each([
    [{ ...base, desription: 'd' }, 'UPLOAD_INVALID', 'unknown key "desription"'],
    [{ ...base, media: { uri: 'a', url: 'b' } }, 'UPLOAD_INVALID', 'unknown key "media.url"'],
    [{ media: { uri: 'a' } }, 'UPLOAD_INVALID', 'uploadId is missing'],
    [{ ...base, uploadId: 7 }, 'UPLOAD_INVALID', 'uploadId is not a string'],
    [{ ...base, uploadId: 'x'.repeat(600) }, 'UPLOAD_INVALID', 'uploadId has 600 bytes'],
    [{ uploadId: 'u' }, 'UPLOAD_INVALID', 'media is missing'],
    [{ ...base, media: 'a.mp4' }, 'UPLOAD_INVALID', 'media is missing or not an object'],
    [{ ...base, media: { uri: '' } }, 'UPLOAD_INVALID', 'media.uri is missing'],
    [{ ...base, media: { uri: 'a\0b' } }, 'MEDIA_URI_INVALID', 'NUL'],
    [{ ...base, revision: -1 }, 'UPLOAD_INVALID', 'revision'],
    [{ ...base, revision: 1.5 }, 'UPLOAD_INVALID', 'revision'],
    [{ ...base, uploadedAt: 'yesterday' }, 'UPLOAD_INVALID', 'uploadedAt'],
    [{ ...base, uploadedAt: '2026-13-01' }, 'UPLOAD_INVALID', 'uploadedAt'],
    [{ ...base, attributes: { caption: 1 } }, 'UPLOAD_INVALID', 'attributes.caption is not a string'],
    [{ ...base, attributes: ['a'] }, 'UPLOAD_INVALID', 'attributes is not an object'],
    [['a'], 'UPLOAD_INVALID', 'not a JSON object'],
    [{ ...base, title: '\ud800' }, 'TEXT_NOT_UTF8', 'title'],
  ])('is refused with a reason (%#)', (row, code, message) => {
    expect(() => parse(row)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it('is refused as bytes before it is read as JSON', () => {
    const bytes = Buffer.concat([Buffer.from('{"uploadId":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(() => uploadFromRow(bytes, settings)).toThrow(expect.objectContaining({ code: 'TEXT_NOT_UTF8' }));
    expect(() => uploadFromRow(Buffer.from('{"uploadId":'), settings)).toThrow(/not JSON/);
  });

  it('repeats nothing of what it holds when it is refused', () => {
    const secret = 'my private title';
    try {
      parse({ ...base, title: { text: secret } });
      expect.unreachable();
    } catch (error) {
      expect(String(error)).not.toContain(secret);
    }
  });

  it('keeps an attribute that is named like a property of objects', () => {
    const row = new TextEncoder().encode(
      '{"uploadId":"u","media":{"uri":"a"},"attributes":{"__proto__":"x"}}',
    );
    expect(Object.entries(uploadFromRow(row, settings).attributes)).toEqual([['__proto__', 'x']]);
  });

  it('is named by its uploadId even when it is unusable', () => {
    expect(uploadIdOfRow(Buffer.from('{"uploadId":"u","x":1}'))).toBe('u');
    expect(uploadIdOfRow(Buffer.from('nonsense'))).toBeUndefined();
  });
});

describe('mediaUri', () => {
  it.each([
    ['a b%20#?.mp4', 'file:///base/a%20b%2520%23%3F.mp4'],
    ['/abs/a.mp4', 'file:///abs/a.mp4'],
    ['../a.mp4', 'file:///a.mp4'],
    ['file:///x/y.mp4', 'file:///x/y.mp4'],
    ['s3://bucket/key', 's3://bucket/key'],
    ['./s3:odd', 'file:///base/s3:odd'],
    ['c:clip.mp4', 'file:///base/c:clip.mp4'],
  ])('reads %s', (given, uri) => {
    expect(mediaUri(given, '/base')).toBe(uri);
  });
});
