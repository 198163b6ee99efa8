/**
 * A poisoned stream through the real pipeline: files that cannot be decoded, files that are not there, files that kill their
 * decoder, records that are none, and failures that pass. Every good upload is scored, every bad one is a dead letter that says
 * where it was and why, and none is both.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLibavDecoder, type LibavDecoder } from '../../src/adapters/media-libav/decoder.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { FirstFiveError } from '../../src/core/errors.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/core/extraction.ts';
import type { OutputRecord } from '../../src/core/record.ts';
import type { DecodeRequest } from '../../src/stages/extract/decoder.ts';
import { createExtractStage } from '../../src/stages/extract/extract-stage.ts';
import {
  type EmbeddedRun,
  placeOf,
  rawRecord,
  startEmbeddedRun,
  uploadOf,
  uploadRecord,
} from '../support/embedded-run.ts';
import { QUICK_DELAY_MS, type QuickRetries, quickRetries } from '../support/quick-retries.ts';
import { aviBytes, wavBytes } from '../support/tiny-media.ts';
import { untilGone } from '../support/up-process.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

const UPLOADS = 200;
const EACH = UPLOADS / 100;

interface Sent {
  readonly record: OutputRecord;
  /** `undefined` for a good upload. */
  readonly code: ErrorCode | undefined;
  readonly attempts: number;
  readonly kind: string;
}

let retries: QuickRetries;
let run: EmbeddedRun;
let decoder: LibavDecoder;
let sent: readonly Sent[];
let sources: readonly string[];
/** Attempts at files that fail for a while. */
const changing = new Map<string, number>();

beforeAll(async () => {
  retries = await quickRetries();
  run = await startEmbeddedRun({
    flags: { topology: retries.path },
    refit: async (engine, store) => {
      const faults = ({ object }: DecodeRequest) => (object.uri.includes('killer') ? 'segv' : undefined);
      decoder = await createLibavDecoder({ children: 2, faults });
      const plan = engine.bundle.manifest.extractionPlan;
      const extract = createExtractStage({ store, decoder, plan, limits: DEFAULT_DECODE_LIMITS });
      return {
        ...engine,
        decoderBuild: decoder.build,
        extract: { ...extract, extract: (uri, signal) => steady(uri, () => extract.extract(uri, signal)) },
        close: () => decoder.close(),
      };
    },
  });
  sent = await stream();
  sources = (await run.append(sent.map(({ record }) => record))).map(placeOf);
  // What fails for a while is settled twice: when it goes to the retry topic, and when it comes back.
  for (let count = 25; count < UPLOADS + EACH; count += 25) await run.settle(count);
  await run.settle(UPLOADS + EACH);
});

afterAll(async () => {
  const pids = decoder?.pids() ?? [];
  await run?.[Symbol.asyncDispose]();
  await retries?.[Symbol.asyncDispose]();
  await untilGone(pids);
});

/** A file that changes while it is read: five attempts in place see it, the one after the stay does not. */
async function steady<T>(uri: string, extract: () => Promise<T>): Promise<T> {
  const seen = (changing.get(uri) ?? 0) + 1;
  changing.set(uri, seen);
  if (uri.includes('changing') && seen <= 5)
    throw new FirstFiveError('MEDIA_CHANGED', 'changed while it was read', { stage: 'extract' });
  return extract();
}

async function stream(): Promise<readonly Sent[]> {
  // Sound alone is decoded as any other, and needs no inference: the test is about what goes wrong before that.
  const good = await run.media('good.wav', wavBytes());
  const noise = await run.media('noise.bin', new Uint8Array(20_000).fill(0x5a));
  const cut = await run.media('cut.avi', aviBytes().subarray(0, 700));
  const killer = await run.media('killer.avi', aviBytes());
  const kinds = ['noise', 'cut', 'absent', 'killer', 'no record', 'changing'];
  return Promise.all(
    Array.from({ length: UPLOADS }, async (_, i): Promise<Sent> => {
      // One of each kind in every hundred, spread over the stream.
      const kind = kinds[(i % 100) / 16] ?? 'good';
      const id = `${kind.replace(' ', '-')}-${i}`;
      const uriOf: Readonly<Record<string, string>> = { noise, cut, killer, absent: `${good}.absent` };
      const changingUri = kind === 'changing' ? await run.media(`changing-${i}.wav`, wavBytes()) : good;
      const upload = uploadRecord(uploadOf(id, uriOf[kind] ?? changingUri), run.serdes.uploadCreated);
      const codes: Readonly<Record<string, ErrorCode>> = {
        ...{ noise: 'MEDIA_UNSUPPORTED', cut: 'MEDIA_NO_FRAMES', absent: 'MEDIA_NOT_FOUND' },
        ...{ killer: 'DECODE_CRASHED', 'no record': 'RECORD_UNDECODABLE' },
      };
      const record = kind === 'no record' ? rawRecord(id, Buffer.from('not an event')) : upload;
      return { record, kind, code: codes[kind], attempts: kind === 'killer' ? 2 : 1 };
    }),
  );
}

describe('a poisoned stream', () => {
  it('has as many of each kind as it is to have', () => {
    const counts = Map.groupBy(sent, ({ kind }) => kind);
    for (const kind of ['noise', 'absent', 'killer', 'no record', 'changing'])
      expect(counts.get(kind)?.length, kind).toBe(EACH);
  });

  it('has every good upload scored once, those that failed for a while too', async () => {
    const scores = await run.scores();
    const wanted = sources.filter((_, i) => sent[i]?.code === undefined);
    const tier1 = scores.filter(({ value }) => value.tier === 1).map(({ source }) => source);
    expect(tier1.sort()).toEqual([...wanted].sort());
    const late = run.settled.filter(({ outcome }) => outcome === 'retried');
    expect(late).toHaveLength(EACH);
    for (const { error } of late) expect(error?.code).toBe('MEDIA_CHANGED');
  });

  it('has every bad one among the dead letters, once, with its bytes and where it was', async () => {
    const letters = await run.letters();
    const bad = sent.flatMap((one, i) => (one.code === undefined ? [] : [{ ...one, source: sources[i] }]));
    expect(letters).toHaveLength(bad.length);
    for (const { record, code, attempts, kind, source } of bad) {
      const [letter] = letters.filter(({ origin }) => placeOf(origin) === source);
      expect(letter, kind).toMatchObject({ code, attempts });
      expect(Buffer.from(letter?.origin.value ?? []).equals(record.value ?? Buffer.alloc(0)), kind).toBe(
        true,
      );
      expect(letter?.lastFailureAt, kind).toBeGreaterThanOrEqual(letter?.firstFailureAt ?? Infinity);
    }
  });

  it('leaves nothing waiting', async () => {
    const [retryTopic] = await run.log.admin.describeTopics([
      `media.upload.created.v1.retry.${QUICK_DELAY_MS}ms`,
    ]);
    const ends = retryTopic?.offsets.reduce((sum, { end }) => sum + Number(end), 0);
    expect(ends).toBe(EACH);
    const group = run.configuration.topology.stages[0]?.groupId ?? '';
    const committed = await run.log.admin.committedOffsets(group);
    for (const [partition, { end }] of (retryTopic?.offsets ?? []).entries()) {
      const at = committed.find((one) => one.topic === retryTopic?.name && one.partition === partition);
      expect(at?.offset ?? 0n).toBe(end);
    }
  });
});
