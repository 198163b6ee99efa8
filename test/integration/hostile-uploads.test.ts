/**
 * Everything that an upload can be wrong in, all in one run: each ends as one dead letter with its own bytes, and at the base rate
 * where it says who it is; every upload between them is scored.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { avroType } from '../../src/adapters/schemas/avro-type.ts';
import { openFolderRegistry, SUBJECTS } from '../../src/adapters/schemas/index.ts';
import type { DeadLetter } from '../../src/core/dead-letter.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/core/extraction.ts';
import { headerText, type OutputRecord } from '../../src/core/record.ts';
import type { ColdStartScore } from '../../src/core/score.ts';
import type { UploadEvent } from '../../src/core/upload.ts';
import {
  type EmbeddedRun,
  type Emitted,
  packageRoot,
  placeOf,
  rawRecord,
  startEmbeddedRun,
  uploadOf,
  uploadRecord,
} from '../support/embedded-run.ts';
import { emptyMovie } from '../support/empty-movie.ts';
import { type QuickRetries, quickRetries } from '../support/quick-retries.ts';
import { aviBytes, floatWavBytes, wavBytes } from '../support/tiny-media.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface HostileCase {
  readonly what: string;
  readonly code: ErrorCode;
  /** Whether the record says whose it is. */
  readonly named: boolean;
  readonly record: () => Promise<OutputRecord> | OutputRecord;
  readonly attempts?: number;
}

let run: EmbeddedRun;
let retries: QuickRetries;
let registry: string;
/** Id of a schema of the upload topic that holds a floating-point number, as a platform may add one. */
let scoredSchema: { readonly id: number; readonly text: string };
let outside: string;

const CASES: readonly HostileCase[] = [
  rawCase('random bytes', 'RECORD_UNDECODABLE', Buffer.from('no avro at all')),
  rawCase('no bytes', 'RECORD_UNDECODABLE', Buffer.alloc(0)),
  rawCase('bytes of no known schema', 'SCHEMA_UNKNOWN', Buffer.from([0, 0, 0, 0x7a, 0x69, 2, 0x61]), 6),
  {
    ...{ what: 'a record that ends too early', code: 'RECORD_UNDECODABLE', named: false },
    record: () => rawRecord('cut', bytesOf(uploadOf('cut', 'x.mp4')).subarray(0, 12)),
  },
  {
    ...{ what: 'a length that reaches past the end', code: 'RECORD_UNDECODABLE', named: false },
    record: () =>
      rawRecord(
        'bomb',
        Buffer.from([...bytesOf(uploadOf('b', 'x')).subarray(0, 5), ...Array(9).fill(0xfe), 1]),
      ),
  },
  {
    ...{ what: 'a title that is not UTF-8', code: 'TEXT_NOT_UTF8', named: true },
    record: () => patched('odd-title', 'TITLE', (bytes, at) => bytes.set([0xff, 0xc0, 0x80], at)),
  },
  {
    ...{ what: 'an uploadId that is not UTF-8', code: 'TEXT_NOT_UTF8', named: false },
    record: () => patched('odd-id-IDENT', 'IDENT', (bytes, at) => bytes.set([0xff, 0xfe], at)),
  },
  {
    ...{ what: 'a title of 100 kB', code: 'TEXT_TOO_LARGE', named: true },
    record: () => event('long-title', 'x.mp4', { title: 'ä'.repeat(50_000) }),
  },
  {
    ...{ what: 'a number that is not finite', code: 'VALUE_NOT_FINITE', named: false },
    record: () => withTrust('nan', Number.NaN),
  },
  mediaCase('an object that is not there', 'MEDIA_NOT_FOUND', () => uriOf(join(run.mediaRoot, 'absent.mp4'))),
  mediaCase('no bytes in the object', 'MEDIA_EMPTY', () => run.media('empty.mp4', new Uint8Array(0))),
  mediaCase('a container without a stream', 'MEDIA_NO_STREAMS', () => run.media('none.mp4', emptyMovie())),
  mediaCase('a video stream without a frame', 'MEDIA_NO_FRAMES', () =>
    run.media('frameless.avi', aviBytes({ frames: 0 })),
  ),
  mediaCase('more bytes than the limit', 'MEDIA_TOO_LARGE', sparseFile),
  mediaCase('noise', 'MEDIA_UNSUPPORTED', () =>
    run.media('noise.mp4', Buffer.from('just some text, no media')),
  ),
  mediaCase('a playlist', 'MEDIA_REFERENCES', () =>
    run.media('list.mp4', Buffer.from('#EXTM3U\nfile:///etc/passwd\n')),
  ),
  mediaCase('a folder', 'MEDIA_NOT_A_FILE', async () => uriOf(await subfolder('a-folder.mp4'))),
  mediaCase('a pipe that nobody writes to', 'MEDIA_NOT_A_FILE', () => uriOf(fifo('pipe.mp4'))),
  mediaCase('a link out of the media root', 'MEDIA_FORBIDDEN', async () =>
    uriOf(await linkTo(outside, 'link.mp4')),
  ),
  mediaCase(
    'a way up out of the media root',
    'MEDIA_FORBIDDEN',
    () => `${uriOf(run.mediaRoot)}/../outside/secret.wav`,
  ),
  mediaCase(
    'an encoded way up',
    'MEDIA_FORBIDDEN',
    () => `${uriOf(run.mediaRoot)}/%2e%2e/outside/secret.wav`,
  ),
  mediaCase('a file outside every root', 'MEDIA_FORBIDDEN', () => uriOf(outside)),
  mediaCase('an absent file outside every root', 'MEDIA_FORBIDDEN', () => 'file:///no/such/place.mp4'),
  mediaCase('an absolute path outside every root', 'MEDIA_FORBIDDEN', () => outside),
  mediaCase('a device', 'MEDIA_FORBIDDEN', () => 'file:///dev/zero'),
  mediaCase('a key that leaves the store', 'MEDIA_FORBIDDEN', () => '../media/secret.wav'),
  mediaCase('an address of the network', 'MEDIA_URI_INVALID', () => 'http://127.0.0.1:9/clip.mp4'),
  mediaCase('a file: URI of another host', 'MEDIA_URI_INVALID', () => 'file://elsewhere/clip.mp4'),
  mediaCase('a NUL in an encoded path', 'MEDIA_URI_INVALID', () => `${uriOf(run.mediaRoot)}/a%00b.mp4`),
];

const sources: string[] = [];
const sent: OutputRecord[] = [];
const soundSources: string[] = [];
let scores: readonly Emitted<ColdStartScore>[] = [];
let letters: readonly DeadLetter[] = [];
let featureSources: ReadonlySet<string> = new Set();

beforeAll(async () => {
  registry = await mkdtemp(join(tmpdir(), 'firstfive-registry-'));
  await cp(join(packageRoot, 'schemas'), registry, { recursive: true });
  scoredSchema = await addSchemaWithNumber(registry);
  retries = await quickRetries();
  run = await startEmbeddedRun({ flags: { registry: `folder:${registry}`, topology: retries.path } });
  await mkdir(join(run.folder, 'outside'));
  outside = join(run.folder, 'outside/secret.wav');
  await writeFile(outside, wavBytes());
  const uri = await run.media('sound.wav', wavBytes());
  // A sound upload beside each hostile one, in the same append: same batches, same partitions.
  const records: OutputRecord[] = [];
  for (const [i, { record }] of CASES.entries()) {
    const hostile = await record();
    sent.push(hostile);
    records.push(hostile, uploadRecord(uploadOf(`sound-${i}`, uri), run.serdes.uploadCreated));
  }
  const places = (await run.append(records)).map(placeOf);
  for (const [i, place] of places.entries()) (i % 2 === 0 ? sources : soundSources).push(place);
  // What may pass is settled twice: when it goes to the retry topic, and when it comes back.
  await run.settle(records.length + CASES.filter(({ code }) => code === 'SCHEMA_UNKNOWN').length);
  scores = await run.scores();
  letters = await run.letters();
  featureSources = new Set((await run.features()).map(({ source }) => source));
});

afterAll(async () => {
  await run?.[Symbol.asyncDispose]();
  await retries?.[Symbol.asyncDispose]();
  await rm(registry, { recursive: true });
});

describe('a hostile upload', () => {
  it.each(CASES.map((one, index) => ({ ...one, index })))(
    '$what ends as $code',
    ({ index, code, named, attempts }) => {
      const mine = letters.filter(({ origin }) => placeOf(origin) === sources[index]);
      expect(mine.map((letter) => letter.code)).toEqual([code]);
      const [letter] = mine;
      const { key, value, timestamp } = sent[index] as OutputRecord;
      expect(letter?.origin).toMatchObject({ timestamp, headers: [] });
      expect(Buffer.from(letter?.origin.key ?? []).equals(key ?? Buffer.alloc(0))).toBe(true);
      expect(Buffer.from(letter?.origin.value ?? []).equals(value ?? Buffer.alloc(0))).toBe(true);
      expect(letter?.attempts).toBe(attempts ?? 1);
      expect(letter?.stage).not.toBe('');
      expect(featureSources.has(sources[index] ?? '')).toBe(false);
      const emitted = scores.filter(({ source }) => source === sources[index]);
      if (!named) return expect(emitted).toEqual([]);
      expect(emitted.map(({ value: score }) => score)).toMatchObject([
        { tier: 0, rejection: code, ecr: 0.6, rank: 0.5 },
      ]);
      expect(headerText(emitted[0]?.record.headers ?? [], 'ff-tier')).toBe('0');
    },
  );

  it('keeps no other upload from its score', () => {
    const scored = soundSources.map((source) => scores.filter((one) => one.source === source));
    expect(scored.map((one) => one.map(({ value }) => value.tier))).toEqual(soundSources.map(() => [1]));
    expect(letters).toHaveLength(CASES.length);
  });

  it('tells in its dead letter nothing of what the uploader wrote', () => {
    for (const { message } of letters) {
      expect(message).not.toContain('cat playing football');
      expect(message).not.toContain('ääää');
    }
  });
});

describe('an upload that is only odd', () => {
  it('is scored with finite numbers, whatever its samples hold', async () => {
    const before = run.settled.length;
    const odd = Float32Array.from(
      { length: 16_000 },
      (_, i) => [Number.NaN, Infinity, -Infinity, 3e38][i % 4] ?? 0,
    );
    const [place] = await run.publish([uploadOf('odd', await run.media('odd.wav', floatWavBytes(odd)))]);
    await run.settle(before + 1);
    const source = placeOf(place ?? { topic: '', partition: 0, offset: 0n });
    const [features] = (await run.features()).filter((one) => one.source === source);
    const mine = (await run.scores()).filter((one) => one.source === source);
    expect(mine).toHaveLength(1);
    // Decoding the records checks every number of them; a rejection would be an answer too, but a named one.
    const rejected = (await run.letters()).find(({ origin }) => placeOf(origin) === source);
    if (rejected === undefined) expect(features?.value.missing).toEqual(['video']);
    else expect(rejected.code).toBe('VALUE_NOT_FINITE');
  });
});

function rawCase(what: string, code: ErrorCode, bytes: Buffer, attempts?: number): HostileCase {
  return {
    ...{ what, code, named: false, record: () => rawRecord(what, bytes) },
    ...(attempts === undefined ? {} : { attempts }),
  };
}

function mediaCase(what: string, code: ErrorCode, uri: () => Promise<string> | string): HostileCase {
  return { what, code, named: true, record: async () => event(what, await uri()) };
}

function event(uploadId: string, uri: string, change: Partial<UploadEvent> = {}): OutputRecord {
  return uploadRecord(uploadOf(uploadId, uri, change), run.serdes.uploadCreated);
}

function bytesOf(upload: UploadEvent): Buffer {
  return Buffer.from(run.serdes.uploadCreated.serialize(upload));
}

function patched(uploadId: string, mark: string, patch: (bytes: Buffer, at: number) => void): OutputRecord {
  const bytes = bytesOf(uploadOf(uploadId, 'x.mp4', { title: 'a TITLE to break' }));
  patch(bytes, bytes.indexOf(mark));
  return rawRecord(uploadId, bytes);
}

async function addSchemaWithNumber(dir: string): Promise<{ id: number; text: string }> {
  const opened = await openFolderRegistry(dir);
  const [newest] = (await opened.versions(SUBJECTS.uploadCreated)).slice(-1);
  const schema = JSON.parse(newest?.schema ?? '') as { fields: object[] };
  schema.fields.push({ name: 'trust', type: 'double', default: 0.5, doc: 'Of a later version.' });
  const text = JSON.stringify(schema);
  return { id: await opened.register(SUBJECTS.uploadCreated, text), text };
}

function withTrust(uploadId: string, trust: number): OutputRecord {
  const { title = null, ...upload } = uploadOf(uploadId, 'x.mp4');
  const body = avroType(scoredSchema.text).toBuffer({
    ...upload,
    title,
    description: null,
    creatorId: null,
    trust,
  });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(scoredSchema.id, 1);
  return rawRecord(uploadId, Buffer.concat([head, body]));
}

async function sparseFile(): Promise<string> {
  const uri = await run.media('huge.mp4', new Uint8Array(16));
  await truncate(join(run.mediaRoot, 'huge.mp4'), DEFAULT_DECODE_LIMITS.maxInputBytes + 1);
  return uri;
}

async function subfolder(name: string): Promise<string> {
  await mkdir(join(run.mediaRoot, name));
  return join(run.mediaRoot, name);
}

function fifo(name: string): string {
  const path = join(run.mediaRoot, name);
  execFileSync('mkfifo', [path]);
  return path;
}

async function linkTo(target: string, name: string): Promise<string> {
  const path = join(run.mediaRoot, name);
  await symlink(target, path);
  return path;
}

function uriOf(path: string): string {
  return pathToFileURL(path).href;
}
