import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createSerdes,
  openFolderRegistry,
  type Serdes,
  SHIPPED_SCHEMAS,
} from '../../../src/adapters/schemas/index.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import type { UploadEvent, UploadId } from '../../../src/core/upload.ts';
import * as samples from './samples.ts';

let serdes: Serdes;

beforeAll(async () => {
  serdes = await createSerdes(await openFolderRegistry(SHIPPED_SCHEMAS));
});

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    return thrown instanceof FirstFiveError ? thrown.code : String(thrown);
  }
  return 'nothing was thrown';
}

describe('serdes', () => {
  it('give back every value equal, as plain objects', () => {
    for (const [serde, value] of [
      [serdes.uploadCreated, samples.upload],
      [serdes.uploadCreated, samples.smallestUpload],
      [serdes.uploadExtracted, samples.extracted],
      [serdes.uploadExtracted, { ...samples.extracted, video: null, audio: null }],
      [serdes.uploadEmbedded, samples.features],
      [serdes.coldStartScore, samples.score],
      [serdes.coldStartScore, { ...samples.score, rejection: null, reasons: [] }],
      [serdes.uploadDeleted, samples.deletion],
      [serdes.watch, samples.watch],
    ] as const) {
      const back = (serde.deserialize as (bytes: Uint8Array) => object)(
        (serde.serialize as (value: object) => Uint8Array)(value),
      );
      expect(back).toStrictEqual(value);
      expect(structuredClone(back)).toStrictEqual(value);
      expect(serde.prepare((serde.serialize as (value: object) => Uint8Array)(value))).toBeUndefined();
    }
  });

  it('begin with 0 and the checked-in schema id, big-endian', () => {
    expect([...serdes.uploadCreated.serialize(samples.upload).subarray(0, 5)]).toEqual([0, 0, 0, 0, 1]);
    expect([...serdes.coldStartScore.serialize(samples.score).subarray(0, 5)]).toEqual([0, 0, 0, 0, 4]);
  });

  it('keep embeddings to the last bit, little-endian', () => {
    const bytes = serdes.uploadEmbedded.serialize(samples.features);
    const quarter = Buffer.from([0x00, 0x00, 0x80, 0x3e]);
    expect(Buffer.from(bytes).includes(quarter)).toBe(true);
  });

  it('refuse numbers that are not finite, going out and coming in', () => {
    const { score, features } = samples;
    expect(codeOf(() => serdes.coldStartScore.serialize({ ...score, ecr: Number.NaN }))).toBe(
      'VALUE_NOT_FINITE',
    );
    expect(codeOf(() => serdes.coldStartScore.serialize({ ...score, timings: { x: Infinity } }))).toBe(
      'VALUE_NOT_FINITE',
    );
    const broken = [{ name: 'vision', model: 'm', values: Float32Array.from([1, Number.NaN]) }];
    expect(codeOf(() => serdes.uploadEmbedded.serialize({ ...features, embeddings: broken }))).toBe(
      'VALUE_NOT_FINITE',
    );

    const bytes = serdes.coldStartScore.serialize({ ...score, ecr: 0.6125 });
    const at = Buffer.from(bytes).indexOf(doubleBytes(0.6125));
    bytes.set(doubleBytes(Number.NaN), at);
    expect(codeOf(() => serdes.coldStartScore.deserialize(bytes))).toBe('VALUE_NOT_FINITE');

    const one = serdes.uploadEmbedded.serialize(features);
    one.set([0, 0, 0x80, 0x7f], Buffer.from(one).indexOf(Buffer.from([0x00, 0x00, 0x80, 0x3e])));
    expect(codeOf(() => serdes.uploadEmbedded.deserialize(one))).toBe('VALUE_NOT_FINITE');
  });

  it('name the field and not its content when a value does not fit the schema', () => {
    const event = { ...samples.score, bundle: 7 as unknown as string, scoreId: 'SECRET' };
    try {
      serdes.coldStartScore.serialize(event);
      expect.unreachable();
    } catch (thrown) {
      expect(thrown).toMatchObject({
        code: 'INTERNAL',
        message: 'a firstfive.ColdStartScore does not fit its schema at bundle',
      });
    }
  });
});

describe('bytes from outside', () => {
  const good = () => serdes.uploadCreated.serialize(samples.upload);
  const decode = (bytes: Uint8Array) => codeOf(() => serdes.uploadCreated.deserialize(bytes));

  it('are refused with a wrong magic byte, too few bytes, or bytes left over', () => {
    const wrong = good();
    wrong[0] = 1;
    expect(decode(wrong)).toBe('RECORD_UNDECODABLE');
    expect(decode(new Uint8Array())).toBe('RECORD_UNDECODABLE');
    expect(decode(Uint8Array.from([...good(), 0]))).toBe('RECORD_UNDECODABLE');
  });

  it('are refused at every length at which they can be cut', () => {
    const bytes = good();
    for (let length = 0; length < bytes.length; length++) {
      expect(decode(bytes.subarray(0, length))).toBe('RECORD_UNDECODABLE');
    }
  });

  it('are retryable when the registry does not have their schema', async () => {
    const bytes = good();
    bytes.set([0, 0, 3, 231], 1);
    expect(decode(bytes)).toBe('SCHEMA_UNKNOWN');
    await expect(serdes.uploadCreated.prepare(bytes)).rejects.toMatchObject({
      code: 'SCHEMA_UNKNOWN',
      kind: 'retryable',
    });
  });

  it('are refused when they follow the schema of another topic', () => {
    expect(decode(serdes.watch.serialize(samples.watch))).toBe('RECORD_UNDECODABLE');
  });

  it('do not make the decoder allocate or loop by a huge length or count', () => {
    const huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f];
    const start = performance.now();
    expect(decode(Uint8Array.from([0, 0, 0, 0, 1, ...huge]))).toBe('RECORD_UNDECODABLE');
    const bytes = serdes.uploadCreated.serialize(samples.smallestUpload);
    expect(bytes.at(-1)).toBe(0);
    expect(decode(Uint8Array.from([...bytes.subarray(0, -1), ...huge]))).toBe('RECORD_UNDECODABLE');
    expect(performance.now() - start).toBeLessThan(500);
  });

  it('are refused with a long beyond 2^53', () => {
    const bytes = Buffer.from(serdes.uploadDeleted.serialize({ ...samples.deletion, deletedAt: 1 }));
    const at = bytes.indexOf(2, 6 + samples.deletion.uploadId.length);
    const beyond = Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
      bytes.subarray(at + 1),
    ]);
    expect(codeOf(() => serdes.uploadDeleted.deserialize(beyond))).toBe('RECORD_UNDECODABLE');
  });

  it('are TEXT_NOT_UTF8 when a text is not, and the upload is still known by name', () => {
    const bytes = good();
    const at = Buffer.from(bytes).indexOf(Buffer.from('Café'));
    bytes[at + 3] = 0xff;
    expect(decode(bytes)).toBe('TEXT_NOT_UTF8');
    const { uploadId, revision, uploadedAt } = samples.upload;
    expect(serdes.uploadCreated.identity(bytes)).toEqual({ uploadId, revision, uploadedAt });
  });

  it('are TEXT_TOO_LARGE for a title of 100 kB, which can be published so that it is dead-lettered', () => {
    const bytes = serdes.uploadCreated.serialize({ ...samples.upload, title: 'x'.repeat(100_000) });
    expect(decode(bytes)).toBe('TEXT_TOO_LARGE');
    expect(serdes.uploadCreated.identity(bytes)?.uploadId).toBe(samples.upload.uploadId);
    const full = { ...samples.upload, title: 'x'.repeat(64 * 1024) };
    expect(serdes.uploadCreated.deserialize(serdes.uploadCreated.serialize(full)).title).toHaveLength(
      64 * 1024,
    );
  });

  it('end in a value or in a code of the closed list, whatever they are', () => {
    const known = [
      'RECORD_UNDECODABLE',
      'TEXT_NOT_UTF8',
      'SCHEMA_UNKNOWN',
      'UPLOAD_INVALID',
      'MEDIA_URI_INVALID',
    ];
    const template = good();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(template.length - 1), fc.nat(255)), { maxLength: 6 }),
        (changes) => {
          const bytes = Uint8Array.from(template);
          for (const [at, value] of changes) bytes[at] = value;
          const code = decode(bytes);
          if (code !== 'nothing was thrown') expect(known).toContain(code);
          serdes.uploadCreated.identity(bytes);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('never reach the caller as anything but an error when they are random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        const bytes = Uint8Array.from([0, 0, 0, 0, 3, ...body]);
        expect(codeOf(() => serdes.uploadEmbedded.deserialize(bytes))).toMatch(
          /^(RECORD_UNDECODABLE|TEXT_NOT_UTF8|VALUE_NOT_FINITE)$/,
        );
      }),
    );
  });
});

describe('any upload', () => {
  it('survives the way through bytes', () => {
    const optional = (field: string) =>
      fc.option(fc.record({ [field]: fc.string({ unit: 'grapheme', maxLength: 40 }) }), { nil: {} });
    const events = fc
      .tuple(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.maxSafeNat().filter((time) => time < Number.MAX_SAFE_INTEGER),
        fc.tuple(optional('title'), optional('description'), optional('creatorId')),
        fc.dictionary(
          fc.string({ maxLength: 10 }).filter((name) => name !== '__proto__'),
          fc.string({ unit: 'grapheme' }),
          { maxKeys: 5, noNullPrototype: true },
        ),
      )
      .map(
        ([uploadId, revision, uploadedAt, texts, attributes]): UploadEvent => ({
          uploadId: uploadId as UploadId,
          revision,
          uploadedAt,
          media: { uri: 'a' },
          ...Object.assign({}, ...texts),
          attributes,
        }),
      );
    fc.assert(
      fc.property(events, (event) => {
        expect(serdes.uploadCreated.deserialize(serdes.uploadCreated.serialize(event))).toEqual(event);
      }),
    );
  });
});

function doubleBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}
