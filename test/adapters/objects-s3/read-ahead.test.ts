import { describe, expect, it } from 'vitest';
import { ReadAhead } from '../../../src/adapters/objects-s3/read-ahead.ts';

const KIB = 1024;
const LIMITS = {
  ...{ blockBytes: 64 * KIB, maxFetchBytes: 1024 * KIB },
  ...{ tailBytes: 128 * KIB, cacheBytesPerObject: 8192 * KIB },
};
const SIZE = 100 * 1024 * KIB;

describe('ReadAhead', () => {
  /** Kilobytes fetched beyond each of the reads of a reader that goes on and on. */
  function beyondReads(stepBytes: number, totalBytes: number): number[] {
    const ahead = new ReadAhead(SIZE, LIMITS);
    const beyond: number[] = [];
    for (let at = 0; at < totalBytes; at += stepBytes) {
      beyond.push((ahead.note(at, at + stepBytes) - at - stepBytes) / KIB);
    }
    return beyond;
  }

  it('follows a reader that goes on by a sixteenth of its run, in whole blocks (A1)', () => {
    const beyond = beyondReads(32 * KIB, 8192 * KIB);
    expect(beyond.slice(0, 33)).toEqual([...Array(31).fill(0), 64, 64]);
    expect(beyond[63]).toBe(128);
    expect(beyond.at(-1)).toBe(512);
  });

  it('fetches nothing ahead that is less than the reader takes at once (A1)', () => {
    const beyond = beyondReads(256 * KIB, 8192 * KIB);
    expect(beyond.slice(0, 17)).toEqual([...Array(15).fill(0), 256, 256]);
  });

  it('stops at the end of the object', () => {
    const ahead = new ReadAhead(2048 * KIB, LIMITS);
    ahead.note(0, 1950 * KIB);
    expect(ahead.note(1950 * KIB, 2000 * KIB)).toBe(2048 * KIB);
  });

  it('fetches nothing beyond a jump (A2)', () => {
    const ahead = new ReadAhead(SIZE, LIMITS);
    ahead.note(0, 1024 * KIB);
    for (const at of [50, 20, 70])
      expect(ahead.note(at * 1024 * KIB, at * 1024 * KIB + 10)).toBe(at * 1024 * KIB + 10);
  });

  it('tells two interleaved runs apart', () => {
    const ahead = new ReadAhead(SIZE, LIMITS);
    let video = 0;
    let audio = 50 * 1024 * KIB;
    let beyondVideo = 0;
    let beyondAudio = 0;
    for (let i = 0; i < 21; i++) {
      beyondVideo = ahead.note(video, video + 200 * KIB) - video - 200 * KIB;
      video += 200 * KIB;
      beyondAudio = ahead.note(audio, audio + 25 * KIB) - audio - 25 * KIB;
      audio += 25 * KIB;
    }
    expect(beyondVideo).toBe(256 * KIB);
    expect(beyondAudio).toBe(0);
  });

  it('takes a jump to the end for one after an index, and fetches that whole (A3)', () => {
    const near = new ReadAhead(SIZE, LIMITS);
    near.note(0, 4 * KIB);
    expect(near.note(SIZE - 900 * KIB, SIZE - 900 * KIB + 8)).toBe(SIZE);
    const small = new ReadAhead(600 * KIB, LIMITS);
    small.note(0, 4 * KIB);
    expect(small.note(490 * KIB, 490 * KIB + 8)).toBe(600 * KIB);
    expect(new ReadAhead(600 * KIB, LIMITS).note(300 * KIB, 300 * KIB + 8)).toBe(300 * KIB + 8);
  });

  it('fetches a long index in pieces', () => {
    const ahead = new ReadAhead(4096 * 1024 * KIB, LIMITS);
    ahead.note(0, 4 * KIB);
    const moov = 4096 * 1024 * KIB - 20 * 1024 * KIB;
    expect(ahead.note(moov, moov + 8)).toBe(moov + 8 + 1024 * KIB);
  });
});
