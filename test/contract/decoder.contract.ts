/** What every decoder does, whichever library is behind it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/core/errors.ts';
import { FirstFiveError } from '../../src/core/errors.ts';
import type { Extraction } from '../../src/core/extraction.ts';
import { SIGNALS, type SignalDefinition } from '../../src/core/signals/table.ts';
import type { DecodeRequest, Decoder } from '../../src/stages/extract/decoder.ts';
import { fileObject, memoryObject, requestFor, samplePath } from '../support/media-objects.ts';
import { sharedData } from '../support/shared-data.ts';
import { aviBytes, wavBytes, y4mBytes } from '../support/tiny-media.ts';

const CLIPS = readdirSync(samplePath('.')).filter((name) => name.endsWith('.mp4'));

export function decoderContract(name: string, open: () => Promise<Decoder>): void {
  describe(`${name}, as a decoder`, () => {
    let decoder: Decoder;

    beforeAll(async () => {
      decoder = await open();
    });

    afterAll(() => decoder?.close());

    const extract = (request: DecodeRequest) => decoder.extract(request);
    const sample = (clip: string) => extract(requestFor(fileObject(samplePath(clip))));

    it('names its build', () => {
      expect(decoder.build).toMatch(/^(libav|ffmpeg)\/\S+/);
    });

    it.each(CLIPS)('answers every target of %s in order, with pixels and sane signals', async (clip) => {
      const extraction = await sample(clip);
      const { video, audio, probe } = extraction;
      expect(video?.targets.map(({ atMs }) => atMs)).toEqual([0, 1000, 2000, 3000, 4000]);
      for (const { atMs, ptsMs } of video?.targets ?? []) {
        expect(ptsMs).toBeLessThanOrEqual(atMs);
        expect(ptsMs).toBeGreaterThan(atMs - 41);
      }
      expect(video?.pixels.length).toBe(5 * 224 * 224 * 3);
      expect(audio?.samples.length ?? 80_000).toBe(80_000);
      expect(probe.audio === null).toBe(audio === null);
      expectSignalsInRange(extraction);
    });

    it('turns a picture by its display matrix', async () => {
      const { probe } = await sample('bunny-turned.mp4');
      expect(probe.video).toMatchObject({ width: 854, height: 480, rotation: 90, mirrored: false });
      expect(probe.video).toMatchObject({ displayWidth: 480, displayHeight: 854 });
    });

    it('gives no sound where there is no audio track', async () => {
      const { audio, signals } = await sample('deep-field.mp4');
      expect(audio).toBeNull();
      expect(signals['audio.loudness']).toBeNull();
      expect(signals['audio.duration']).toBeNull();
    });

    it('gives silence for a silent track', async () => {
      const { audio, signals } = await sample('coffee-silent.mp4');
      expect(audio?.samples.every((value) => value === 0)).toBe(true);
      expect(signals).toMatchObject({
        'audio.silenceRatio': 1,
        'audio.loudness': null,
        'audio.onsetRate': 0,
      });
    });

    it('gives no picture for a sound file', async () => {
      const { video, audio, probe } = await extract(requestFor(memoryObject(wavBytes({ seconds: 2 }))));
      expect(video).toBeNull();
      expect(probe.video).toBeNull();
      expect(audio?.samples.length).toBe(32_000);
    });

    it('repeats and marks the last frame where the video ends early', async () => {
      const bytes = y4mBytes({ frames: 15, frameRate: 10 });
      const { video } = await extract(requestFor(memoryObject(bytes)));
      expect(video?.targets.map(({ ptsMs }) => Math.round(ptsMs))).toEqual([0, 1000, 1400, 1400, 1400]);
      expect(video?.targets.map(({ repeated }) => repeated)).toEqual([false, false, false, true, true]);
      const size = 224 * 224 * 3;
      expect(video?.pixels.subarray(2 * size, 3 * size)).toEqual(video?.pixels.subarray(4 * size));
    });

    it('decodes an object that has no path of its own to the same bytes', async () => {
      const path = samplePath('cat-purring.mp4');
      const local = await extract(requestFor(fileObject(path)));
      const remote = await extract(requestFor(memoryObject(readFileSync(path))));
      expect(remote.video).toEqual(local.video);
      expect(remote.audio).toEqual(local.audio);
      expect(remote.signals).toEqual(local.signals);
    });

    it("passes on the store's own error when a range cannot be read", async () => {
      const failing = {
        ...memoryObject(aviBytes()),
        read: () => Promise.reject(new FirstFiveError('STORE_UNAVAILABLE', 'no route')),
      };
      await expect(extract(requestFor(failing))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    });

    const text = (value: string) => new TextEncoder().encode(value);
    const REJECTED: readonly (readonly [what: string, bytes: Uint8Array, code: ErrorCode])[] = [
      ['no bytes', new Uint8Array(0), 'MEDIA_EMPTY'],
      [
        'a playlist named like a video',
        text('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'),
        'MEDIA_REFERENCES',
      ],
      ['a concat script', text("ffconcat version 1.0\nfile 'other.mp4'\n"), 'MEDIA_REFERENCES'],
      ['a session description', text('v=0\no=- 0 0 IN IP4 127.0.0.1\n'), 'MEDIA_REFERENCES'],
      ['subtitles', text('1\n00:00:00,000 --> 00:00:01,000\nhello\n'), 'MEDIA_UNSUPPORTED'],
      ['plain text', text('hello world, this is not a video\n'.repeat(20)), 'MEDIA_UNSUPPORTED'],
      ['the start of a video', readFileSync(samplePath('bunny.mp4')).subarray(0, 3000), 'MEDIA_CORRUPT'],
    ];

    it.each(REJECTED)('rejects %s', async (_, bytes, code) => {
      await expect(extract(requestFor(memoryObject(bytes)))).rejects.toMatchObject({
        code,
        kind: 'terminal',
      });
    });

    it('rejects pictures and objects over the limits', async () => {
      const object = fileObject(samplePath('bunny.mp4'));
      const tooMany = extract(requestFor(object, { maxPixels: 400_000 }));
      await expect(tooMany).rejects.toMatchObject({ code: 'MEDIA_LIMIT' });
      const tooLarge = extract(requestFor(object, { maxInputBytes: 1000 }));
      await expect(tooLarge).rejects.toMatchObject({ code: 'MEDIA_TOO_LARGE' });
    });

    it('rejects what is not decoded by its deadline, and decodes the next upload', async () => {
      const late = extract(requestFor(fileObject(samplePath('bunny.mp4')), { deadlineMs: 5 }));
      await expect(late).rejects.toMatchObject({ code: 'DECODE_TIMEOUT', kind: 'retryable' });
      expect((await sample('deep-field.mp4')).video).not.toBeNull();
    });

    it('rejects with the reason of an aborted signal', async () => {
      const reason = new Error('no longer wanted');
      const request = requestFor(fileObject(samplePath('bunny.mp4')));
      await expect(decoder.extract(request, AbortSignal.abort(reason))).rejects.toBe(reason);
      const controller = new AbortController();
      const running = decoder.extract(request, controller.signal);
      setTimeout(() => controller.abort(reason), 10);
      await expect(running).rejects.toBe(reason);
    });

    it('decodes many uploads side by side, good and bad, each to its own end', async () => {
      const bad = memoryObject(text('not a video at all'));
      const outcomes = await Promise.allSettled(
        CLIPS.flatMap((clip) => [sample(clip), extract(requestFor(bad))]),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(CLIPS.flatMap(() => ['fulfilled', 'rejected']));
    });

    corpusContract(extract);

    it('refuses work once closed, and fails what is under way', async () => {
      const other = await open();
      const running = other.extract(requestFor(fileObject(samplePath('bunny.mp4'))));
      const failed = expect(running).rejects.toMatchObject({ code: 'DECODER_UNAVAILABLE' });
      await other.close();
      await failed;
      const refused = other.extract(requestFor(fileObject(samplePath('bunny.mp4'))));
      await expect(refused).rejects.toMatchObject({ code: 'DECODER_UNAVAILABLE' });
    });
  });
}

const FITTING: ReadonlySet<string> = new Set<ErrorCode>([
  'MEDIA_CORRUPT',
  'MEDIA_ENCRYPTED',
  'MEDIA_LIMIT',
  'MEDIA_NO_FRAMES',
  'MEDIA_NO_STREAMS',
  'MEDIA_REFERENCES',
  'MEDIA_UNSUPPORTED',
  'DECODE_TIMEOUT',
]);

function corpusContract(extract: (request: DecodeRequest) => Promise<Extraction>): void {
  const folder = sharedData('media');
  const files = folder === undefined ? [] : mediaFiles(folder);
  it.skipIf(folder === undefined)(
    'ends every file of the corpus of odd media within ten seconds',
    { timeout: 300_000 },
    async () => {
      for (const path of files) {
        const start = performance.now();
        const outcome = await extract(requestFor(fileObject(path))).catch((error: unknown) => error);
        expect(performance.now() - start, path).toBeLessThan(10_000);
        if (outcome instanceof FirstFiveError) expect(FITTING, path).toContain(outcome.code);
        else expectSignalsInRange(outcome as Extraction);
      }
    },
  );
}

export function mediaFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !['README.md', 'manifest.csv'].includes(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function expectSignalsInRange({ signals }: Extraction): void {
  expect(Object.keys(signals)).toEqual(Object.keys(SIGNALS));
  for (const [name, { range }] of Object.entries<SignalDefinition>(SIGNALS)) {
    const value = signals[name];
    if (value === null || value === undefined) continue;
    expect(Number.isFinite(value), name).toBe(true);
    if (range[0] !== null) expect(value, name).toBeGreaterThanOrEqual(range[0]);
    if (range[1] !== null) expect(value, name).toBeLessThanOrEqual(range[1]);
  }
}
