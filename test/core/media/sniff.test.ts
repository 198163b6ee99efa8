import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALLOWED_DEMUXERS,
  claimedPixels,
  id3v2Length,
  sniffContainer,
} from '../../../src/core/media/sniff.ts';

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const padded = (text: string) => latin1(text.padEnd(600, '\0'));

describe('sniffing a container', () => {
  it.each([
    ['\0\0\0\x18ftypisom', 'mov'],
    ['\x1a\x45\xdf\xa3', 'matroska'],
    ['RIFF....AVI LIST', 'avi'],
    ['RIFF....WAVEfmt ', 'wav'],
    ['OggS', 'ogg'],
    ['FLV\x01', 'flv'],
    ['GIF89a', 'gif'],
    ['\x89PNG\r\n\x1a\n', 'png_pipe'],
    ['\xff\xd8\xff\xe0', 'jpeg_pipe'],
    ['\0\0\0\x01\x67\x42', 'h264'],
    ['\0\0\0\x01\x40\x01', 'hevc'],
    ['\0\0\x01\xba', 'mpeg'],
    ['\xff\xf1\x50', 'aac'],
    ['\xff\xfb\x90', 'mp3'],
    ['fLaC', 'flac'],
  ])('tells %j by its bytes', (bytes, demuxer) => {
    expect(sniffContainer(padded(bytes))).toMatchObject({ kind: 'container', demuxer });
  });

  it.each([188, 192, 204])('tells transport streams of %i-byte packets', (size) => {
    const bytes = new Uint8Array(size * 4).fill(0x11);
    for (let i = 0; i < 4; i++) bytes[i * size + (size === 192 ? 4 : 0)] = 0x47;
    expect(sniffContainer(bytes)).toMatchObject({ demuxer: 'mpegts' });
  });

  it.each([
    '#EXTM3U\n#EXT-X-VERSION:3',
    '\xef\xbb\xbf#EXTM3U',
    '\n\n  #extm3u',
    'ffconcat version 1.0',
    "file 'a.mp4'",
    'v=0\no=-',
    '<?xml version="1.0"?><MPD>',
    '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">',
    '<svg xmlns="http://www.w3.org/2000/svg">',
    '[playlist]\nFile1=a',
    'http://example.com/a.mp4',
  ])('refuses references such as %j', (text) => {
    expect(sniffContainer(latin1(text))).toMatchObject({ kind: 'references' });
  });

  it('looks behind an ID3v2 tag', () => {
    const tag = latin1('ID3\x04\0\0\0\0\x02\x01').subarray(0, 10);
    expect(id3v2Length(tag)).toBe(10 + 257);
    expect(sniffContainer(tag, padded('fLaC'))).toMatchObject({ demuxer: 'flac' });
    expect(sniffContainer(tag, padded('\xff\xf1\x50'))).toMatchObject({ demuxer: 'aac' });
    expect(sniffContainer(tag, padded('anything'))).toMatchObject({ demuxer: 'mp3' });
  });

  it('marks pictures as stills, and what may move not', () => {
    expect(sniffContainer(padded('\xff\xd8\xff\xe0'))).toMatchObject({ still: true });
    expect(sniffContainer(padded('GIF89a'))).toMatchObject({ still: false });
    expect(sniffContainer(latin1('\x89PNG\r\n\x1a\n....IHDR....acTL'))).toMatchObject({
      demuxer: 'apng',
      still: false,
    });
  });

  it('names an allowed demuxer or refuses, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 900 }), fc.uint8Array({ maxLength: 40 }), (bytes, behind) => {
        const sniffed = sniffContainer(bytes, behind);
        if (sniffed.kind === 'container') expect(ALLOWED_DEMUXERS).toContain(sniffed.demuxer);
        else expect(sniffed.what).not.toBe('');
      }),
    );
  });

  it('never allows a demuxer that opens other files', () => {
    const openers = ['hls', 'concat', 'dash', 'sdp', 'rtsp', 'image2', 'imf', 'tee', 'lavfi', 'applehttp'];
    for (const name of openers) expect(ALLOWED_DEMUXERS).not.toContain(name);
  });
});

describe('the pixels that a picture claims', () => {
  it('are read from GIF, PNG and JPEG headers', () => {
    expect(claimedPixels(latin1('GIF89a\x80\x3e\x80\x3e'))).toBe(16_000 * 16_000);
    expect(claimedPixels(latin1('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x40\0\0\0\x40\0'))).toBe(16_384 * 16_384);
    const jpeg = '\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\xff\xdc\xff\xdc\x01\x01\x11\0';
    expect(claimedPixels(latin1(jpeg))).toBe(65_500 * 65_500);
  });

  it('are unknown elsewhere, and never a crash', () => {
    expect(claimedPixels(latin1('OggS'))).toBeUndefined();
    fc.assert(
      fc.property(
        fc.constantFrom('GIF8', '\x89PNG\r\n\x1a\n', '\xff\xd8'),
        fc.uint8Array(),
        (start, rest) => {
          const pixels = claimedPixels(Uint8Array.from([...latin1(start), ...rest]));
          expect(pixels === undefined || pixels >= 0).toBe(true);
        },
      ),
    );
  });
});
