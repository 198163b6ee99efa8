/** Uploads in, scores out, through everything that `up` runs: real decoding, real inference, the embedded log. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { logit } from '../../src/core/reasons.ts';
import { headerText, type StreamRecord } from '../../src/core/record.ts';
import type { ColdStartScore } from '../../src/core/score.ts';
import type { UploadEvent } from '../../src/core/upload.ts';
import {
  type EmbeddedRun,
  packageRoot,
  placeOf,
  startEmbeddedRun,
  uploadOf,
} from '../support/embedded-run.ts';
import { sharedData } from '../support/shared-data.ts';
import { aviBytes, wavBytes, y4mBytes } from '../support/tiny-media.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let run: EmbeddedRun;

beforeAll(async () => {
  run = await startEmbeddedRun();
});

afterAll(async () => {
  await run?.[Symbol.asyncDispose]();
});

/** Publishes, waits until all are settled, and returns what was emitted for these, in the order given. */
async function scored(events: readonly UploadEvent[]) {
  const before = run.settled.length;
  const sources = (await run.publish(events)).map(placeOf);
  await run.settle(before + events.length);
  const letters = (await run.letters()).filter(({ origin }) => sources.includes(placeOf(origin)));
  expect(letters.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
  const pick = <T extends { readonly source: string }>(all: readonly T[]) =>
    sources.map((source) => all.filter((one) => one.source === source));
  return {
    sources,
    scores: pick(await run.scores()).map(only),
    features: pick(await run.features()).map(only),
  };
}

function only<T>(values: readonly T[]): T {
  expect(values).toHaveLength(1);
  return values[0] as T;
}

function expectSoundScore(score: ColdStartScore): void {
  const { ecr, alpha, beta, lower, upper, reasons, timings } = score;
  expect(ecr).toBeCloseTo(alpha / (alpha + beta), 12);
  expect(lower).toBeLessThan(ecr);
  expect(upper).toBeGreaterThan(ecr);
  const sum = reasons.reduce((total, reason) => total + reason.contribution, 0);
  expect(sum).toBeCloseTo(logit(ecr), 9);
  expect(reasons[0]?.feature).toBe('intercept');
  expect(reasons.at(-1)?.feature).toBe('calibration');
  expect(score).toMatchObject({
    tier: 1,
    rejection: null,
    calibrated: false,
    executionProvider: 'cpu',
    lane: 'live',
  });
  expect(score.ticket.impressions).toBeGreaterThan(0);
  expect(score.ticket.expiresAt).toBeGreaterThan(score.scoredAt);
  for (const step of ['extract', 'embed', 'score']) expect(timings[step]).toBeGreaterThan(0);
}

function headersOf({ headers }: StreamRecord) {
  const text = (name: string) => headerText(headers, name);
  return {
    revision: text('ff-revision'),
    tier: text('ff-tier'),
    lane: text('ff-lane'),
    source: text('ff-source'),
  };
}

function titledSamples(): UploadEvent[] {
  const folder = join(packageRoot, 'samples');
  const list = join(folder, 'uploads.jsonl');
  if (!existsSync(list)) {
    process.stderr.write('note: samples/uploads.jsonl is absent; the tests that use it are skipped\n');
    return [];
  }
  const rows = readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return rows.map((row) => {
    const { uploadId, media, title } = JSON.parse(row) as {
      uploadId: string;
      media: { uri: string };
      title?: string;
    };
    return uploadOf(uploadId, join(folder, media.uri), title === undefined ? {} : { title });
  });
}

describe('the pipeline on the embedded log', () => {
  it('scores sound and picture: score, features and headers agree with each other and with the bundle', async () => {
    const uri = await run.media('clip.avi', aviBytes());
    const { sources, scores, features } = await scored([uploadOf('clip', uri, { revision: 7 })]);
    const [score] = scores;
    const [kept] = features;
    expectSoundScore(score?.value as ColdStartScore);
    expect(score?.value).toMatchObject({ uploadId: 'clip', revision: 7, missing: [] });
    expect(headersOf(score?.record as StreamRecord)).toEqual({
      revision: '7',
      tier: '1',
      lane: 'live',
      source: sources[0],
    });
    expect(headersOf(kept?.record as StreamRecord)).toMatchObject({ revision: '7', source: sources[0] });
    const { manifest } = run.engine.bundle;
    expect(kept?.value.embeddings.map(({ name, values }) => [name, values.length])).toEqual(
      manifest.features.map(({ name, dim }) => [name, dim]),
    );
    expect(kept?.value.embeddings.every(({ values }) => values.some((value) => value !== 0))).toBe(true);
    expect(kept?.value.producer).toEqual({
      bundle: score?.value.bundle,
      bundleDigest: score?.value.bundleDigest,
      planDigest: score?.value.planDigest,
      decoderBuild: run.engine.decoderBuild,
      executionProvider: 'cpu',
    });
    expect(Buffer.from(score?.record.key ?? []).toString()).toBe('clip');
  });

  it('scores video without sound and sound without video, and marks what is missing', async () => {
    const { scores, features } = await scored([
      uploadOf('silent', await run.media('silent.y4m', y4mBytes())),
      uploadOf('podcast', await run.media('podcast.wav', wavBytes())),
      uploadOf('untitled', await run.media('untitled.avi', aviBytes()), { title: '' }),
    ]);
    expect(features.map(({ value }) => value.missing)).toEqual([['audio'], ['video'], []]);
    expect(features.map(({ value }) => value.embeddings.map((one) => one.name))).toEqual([
      ['vision'],
      expect.not.arrayContaining(['vision']),
      expect.arrayContaining(['vision']),
    ]);
    expect(scores.map(({ value }) => value.missing)).toEqual([['audio'], ['video'], ['text']]);
    for (const { value } of scores) expectSoundScore(value);
    // What carries no weight does not change the prior when it is missing: only the untitled one is at the base rate.
    expect(scores.map(({ value }) => value.ecr === 0.6)).toEqual([false, false, true]);
  });

  it('gives the same upload the same identity and the same numbers again', async () => {
    const uri = await run.media('again.avi', aviBytes({ shift: 3 }));
    const event = uploadOf('again', uri);
    // Together with others and alone: batches differ, the numbers must not.
    const crowd = [1, 2, 3].map((n) => uploadOf(`crowd-${n}`, uri));
    const first = await scored([event, ...crowd]);
    const second = await scored([event]);
    const [a, b] = [first.scores[0]?.value, second.scores[0]?.value];
    expect(b?.scoreId).toBe(a?.scoreId);
    expect(b?.ecr).toBeCloseTo(a?.ecr ?? Number.NaN, 5);
    expect(b?.rank).toBeCloseTo(a?.rank ?? Number.NaN, 5);
    expectSameVectors(first.features[0]?.value.embeddings, second.features[0]?.value.embeddings);
    expect(second.features[0]?.value.signals).toEqual(first.features[0]?.value.signals);
    const ids = first.scores.map(({ value }) => value.scoreId);
    expect(new Set(ids).size).toBe(4);
  });

  it('gives another identity when text, revision or media change', async () => {
    const uri = await run.media('one.wav', wavBytes());
    const event = uploadOf('changing', uri);
    const before = await scored([event]);
    await run.media('one.wav', wavBytes({ hz: 880 }));
    const after = await scored([
      event,
      { ...event, revision: 1, title: 'another title' },
      { ...event, revision: 2, title: 'another title' },
    ]);
    const ids = [...before.scores, ...after.scores].map(({ value }) => value.scoreId);
    expect(new Set(ids).size).toBe(4);
  });

  it('passes over a tombstone and goes on behind it', async () => {
    const before = run.settled.length;
    const uri = await run.media('after.wav', wavBytes());
    await run.append([
      { topic: 'media.upload.created.v1', timestamp: 1, key: Buffer.from('gone'), value: null, headers: [] },
    ]);
    await run.settle(before + 1);
    const { scores } = await scored([uploadOf('gone', uri)]);
    expectSoundScore(scores[0]?.value as ColdStartScore);
  });

  const samples = titledSamples();
  it.skipIf(samples.length === 0)('scores every sample clip', async () => {
    const events = await Promise.all(samples.map(copied));
    const { scores, features } = await scored(events);
    for (const { value } of scores) expectSoundScore(value);
    expect(features.every(({ value }) => value.probe.video !== null)).toBe(true);
  });

  const videos = sharedData('snapugc/videos');
  it.skipIf(videos === undefined)('scores the real uploads, with their own texts', async () => {
    const rows = await titledVideos(videos ?? '');
    const { scores, features } = await scored(await Promise.all(rows.map(copied)));
    expect(scores).toHaveLength(6);
    for (const { value } of scores) expectSoundScore(value);
    for (const { value } of features) {
      expect(value.missing).toEqual([]);
      expect(value.probe.video).toMatchObject({ codec: 'h264', width: 480 });
      for (const signal of Object.values(value.signals))
        expect(signal === null || Number.isFinite(signal)).toBe(true);
    }
    // Different uploads look and sound different: the vectors are theirs and not a neighbour's of the batch.
    const vision = features.map(({ value }) => value.embeddings[0]?.values.slice(0, 8).join());
    expect(new Set(vision).size).toBe(6);
  });
});

function expectSameVectors(
  a: readonly { readonly values: Float32Array }[] | undefined,
  b: readonly { readonly values: Float32Array }[] | undefined,
): void {
  expect(b?.length).toBe(a?.length);
  a?.forEach(({ values }, i) => {
    const other = b?.[i]?.values ?? new Float32Array(0);
    expect(other.length).toBe(values.length);
    let most = 0;
    for (let k = 0; k < values.length; k++)
      most = Math.max(most, Math.abs((values[k] ?? 0) - (other[k] ?? 0)));
    expect(most).toBeLessThan(1e-5);
  });
}

/** `up` reads under its media roots only. */
async function copied(event: UploadEvent): Promise<UploadEvent> {
  const path = join(run.mediaRoot, `${event.uploadId}.mp4`);
  await copyFile(event.media.uri, path);
  return { ...event, media: { uri: pathToFileURL(path).href } };
}

async function titledVideos(folder: string): Promise<UploadEvent[]> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.mp4'));
  const metadata = await readFile(join(folder, '../val_metadata.csv'), 'utf8');
  return names.map((name) => {
    const uploadId = name.replace('.mp4', '');
    const row = metadata.split('\n').find((line) => line.startsWith(uploadId)) ?? '';
    return uploadOf(uploadId, join(folder, name), { title: row.slice(uploadId.length + 1) });
  });
}
