import { describe, expect, it } from 'vitest';
import { keyIn, locate } from '../../../src/adapters/objects-s3/locate.ts';

const OWN = { bucket: 'own-bucket', prefix: 'firstfive/live' };
const PLACES = [OWN, { bucket: 'uploads', prefix: '' }, { bucket: 'shared', prefix: 'in' }];

const located = (bucket: string, key: string) => ({ kind: 's3', bucket, key });

describe('locate', () => {
  it.each([
    ['clip.mp4', located('own-bucket', 'firstfive/live/clip.mp4')],
    ['a/b c.mp4', located('own-bucket', 'firstfive/live/a/b c.mp4')],
    ['12:30.mp4', located('own-bucket', 'firstfive/live/12:30.mp4')],
    ['s3://uploads/a%20b.mp4', located('uploads', 'a%20b.mp4')],
    ['s3://uploads/a?b#c.mp4', located('uploads', 'a?b#c.mp4')],
    ['s3://uploads//a//b.mp4', located('uploads', '/a//b.mp4')],
    ['S3://uploads/a.mp4', located('uploads', 'a.mp4')],
    ['s3://own-bucket/firstfive/live/x', located('own-bucket', 'firstfive/live/x')],
    ['s3://shared/in/x', located('shared', 'in/x')],
    ['file:///videos/a.mp4', { kind: 'file' }],
    ['FILE:///videos/a.mp4', { kind: 'file' }],
    ['/videos/a.mp4', { kind: 'file' }],
  ])('finds %s', (uri, expected) => {
    expect(locate(uri, PLACES)).toEqual(expected);
  });

  it.each([
    ['s3://other/x', 'MEDIA_FORBIDDEN'],
    ['s3://own-bucket/firstfive/other/x', 'MEDIA_FORBIDDEN'],
    ['s3://own-bucket/firstfive/lively/x', 'MEDIA_FORBIDDEN'],
    ['s3://shared/inside/x', 'MEDIA_FORBIDDEN'],
    ['s3://shared/in/../out/x', 'MEDIA_FORBIDDEN'],
    ['s3://uploads/./x', 'MEDIA_FORBIDDEN'],
    ['../x', 'MEDIA_FORBIDDEN'],
    ['a/../../x', 'MEDIA_FORBIDDEN'],
    ['a//x', 'MEDIA_FORBIDDEN'],
    ['', 'MEDIA_URI_INVALID'],
    ['a\0b', 'MEDIA_URI_INVALID'],
    ['s3://', 'MEDIA_URI_INVALID'],
    ['s3://uploads', 'MEDIA_URI_INVALID'],
    ['s3://uploads/', 'MEDIA_URI_INVALID'],
    ['http://169.254.169.254/latest/meta-data', 'MEDIA_URI_INVALID'],
    ['ftp://host/x', 'MEDIA_URI_INVALID'],
    [`s3://uploads/${'x'.repeat(1_025)}`, 'MEDIA_URI_INVALID'],
    [`${'é'.repeat(505)}`, 'MEDIA_URI_INVALID'],
    ['s3://uploads/\ud800', 'MEDIA_URI_INVALID'],
    ['s3://uploads/folder/', 'MEDIA_NOT_A_FILE'],
  ])('refuses %j with %s', (uri, code) => {
    expect(() => locate(uri, PLACES)).toThrow(expect.objectContaining({ code }));
  });
});

describe('keyIn', () => {
  it('puts a key below the prefix, or at the top where there is none', () => {
    expect(keyIn(OWN, 'a/b')).toEqual({ bucket: 'own-bucket', key: 'firstfive/live/a/b' });
    expect(keyIn({ bucket: 'b', prefix: '' }, 'a/b')).toEqual({ bucket: 'b', key: 'a/b' });
  });

  it.each(['/a', 'a/', 'a//b', '.', '..', 'a/./b', 'a/../b'])('refuses %s', (key) => {
    expect(() => keyIn(OWN, key)).toThrow(expect.objectContaining({ code: 'MEDIA_FORBIDDEN' }));
  });
});
