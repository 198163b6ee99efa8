/**
 * A QuickTime movie of any length whose media are zeros: uncompressed RGB pictures (black) and 16-bit PCM (silence), interleaved by
 * the second. Only its index is made; the rest is a hole in a sparse file, or nothing at all. (QuickTime File Format
 * Specification, "Movie Atoms".)
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

export interface LongMovie {
  readonly sizeBytes: number;
  readonly indexBytes: number;
  /** Bytes of pictures and sound of one second. */
  readonly secondBytes: number;
  /** What is not zero. */
  readonly parts: readonly { readonly at: number; readonly bytes: Uint8Array }[];
}

const WIDTH = 64;
const HEIGHT = 48;
const FRAME_RATE = 30;
const SAMPLE_RATE = 16_000;
const FRAME_BYTES = WIDTH * HEIGHT * 3;
const PICTURE_BYTES = FRAME_BYTES * FRAME_RATE;
const SECOND_BYTES = PICTURE_BYTES + SAMPLE_RATE * 2;

export function longMovie(seconds: number, indexAt: 'start' | 'end'): LongMovie {
  const ftyp = atom('ftyp', Buffer.from('qt  \0\0\0\0qt  ', 'latin1'));
  const media = seconds * SECOND_BYTES;
  const mdat = Buffer.alloc(16);
  mdat.writeUInt32BE(1, 0);
  mdat.write('mdat', 4, 'latin1');
  mdat.writeBigUInt64BE(BigInt(16 + media), 8);
  // The index has the same length wherever its offsets point.
  const indexBytes = moov(seconds, 0).byteLength;
  const mdatAt = ftyp.byteLength + (indexAt === 'start' ? indexBytes : 0);
  const index = moov(seconds, mdatAt + mdat.byteLength);
  const end = mdatAt + mdat.byteLength + media;
  return {
    sizeBytes: indexAt === 'start' ? end : end + indexBytes,
    indexBytes,
    secondBytes: SECOND_BYTES,
    parts: [
      { at: 0, bytes: ftyp },
      { at: mdatAt, bytes: mdat },
      { at: indexAt === 'start' ? ftyp.byteLength : end, bytes: index },
    ],
  };
}

/** Bytes `[offset, offset + length)` of the movie. */
export function readMovie({ sizeBytes, parts }: LongMovie, offset: number, length: number): Uint8Array {
  const out = new Uint8Array(Math.max(0, Math.min(length, sizeBytes - offset)));
  for (const { at, bytes } of parts) {
    const from = Math.max(offset, at);
    const to = Math.min(offset + out.byteLength, at + bytes.byteLength);
    if (to > from) out.set(bytes.subarray(from - at, to - at), from - offset);
  }
  return out;
}

/** As a file that takes hardly any room on a file system with holes. */
export function writeMovie({ sizeBytes, parts }: LongMovie, path: string): void {
  const file = openSync(path, 'wx');
  try {
    ftruncateSync(file, sizeBytes);
    for (const { at, bytes } of parts) writeSync(file, bytes, 0, bytes.byteLength, at);
  } finally {
    closeSync(file);
  }
}

function moov(seconds: number, mediaAt: number): Buffer {
  const chunks = Array.from({ length: seconds }, (_, i) => mediaAt + i * SECOND_BYTES);
  const pictures = track({
    ...{ id: 1, seconds, timescale: FRAME_RATE, ticksPerSample: 1, perChunk: FRAME_RATE, chunks },
    ...{ handler: 'vide', header: atom('vmhd', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])) },
    ...{ entry: pictureEntry(), sampleBytes: FRAME_BYTES, size: [WIDTH, HEIGHT] },
  });
  const sound = track({
    ...{ id: 2, seconds, timescale: SAMPLE_RATE, ticksPerSample: 1, perChunk: SAMPLE_RATE },
    ...{ chunks: chunks.map((at) => at + PICTURE_BYTES), size: [0, 0] },
    ...{ handler: 'soun', header: atom('smhd', Buffer.alloc(8)), entry: soundEntry(), sampleBytes: 2 },
  });
  const mvhd = Buffer.alloc(100);
  mvhd.writeUInt32BE(1_000, 12);
  mvhd.writeUInt32BE(seconds * 1_000, 16);
  mvhd.writeUInt32BE(0x10000, 20);
  MATRIX.copy(mvhd, 36);
  mvhd.writeUInt32BE(3, 96);
  return atom('moov', atom('mvhd', mvhd), pictures, sound);
}

interface TrackParts {
  readonly id: number;
  readonly seconds: number;
  readonly timescale: number;
  readonly ticksPerSample: number;
  readonly perChunk: number;
  readonly chunks: readonly number[];
  readonly handler: string;
  readonly header: Buffer;
  readonly entry: Buffer;
  readonly sampleBytes: number;
  readonly size: readonly [width: number, height: number];
}

const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

function track(parts: TrackParts): Buffer {
  const { id, seconds, timescale, perChunk, chunks } = parts;
  const samples = seconds * timescale;
  const tkhd = Buffer.concat([
    u32(3, 0, 0, id, 0, seconds * 1_000, 0, 0, 0, 0),
    MATRIX,
    u32(parts.size[0] << 16, parts.size[1] << 16),
  ]);
  const offsets = Buffer.alloc(8 * chunks.length);
  chunks.forEach((at, i) => {
    offsets.writeBigUInt64BE(BigInt(at), i * 8);
  });
  // Pictures state every sample's size, as real files do; sound of one size does not.
  const sizes =
    parts.handler === 'vide'
      ? Buffer.concat([u32(0, 0, samples), u32Of(Array<number>(samples).fill(parts.sampleBytes))])
      : u32(0, parts.sampleBytes, samples);
  const stbl = atom(
    'stbl',
    atom('stsd', u32(0, 1), parts.entry),
    atom('stts', u32(0, 1, samples, parts.ticksPerSample)),
    atom('stsc', u32(0, 1, 1, perChunk, 1)),
    atom('stsz', sizes),
    atom('co64', u32(0, chunks.length), offsets),
  );
  const hdlr = Buffer.concat([u32(0), Buffer.from(`mhlr${parts.handler}`, 'latin1'), u32(0, 0, 0)]);
  const dinf = atom('dinf', atom('dref', u32(0, 1), atom('url ', u32(1))));
  return atom(
    'trak',
    atom('tkhd', tkhd),
    atom(
      'mdia',
      atom('mdhd', u32(0, 0, 0, timescale, samples, 0)),
      atom('hdlr', Buffer.concat([hdlr, Buffer.alloc(1)])),
      atom('minf', parts.header, dinf, stbl),
    ),
  );
}

function pictureEntry(): Buffer {
  const entry = Buffer.alloc(78);
  entry.writeUInt16BE(1, 6);
  entry.writeUInt16BE(WIDTH, 24);
  entry.writeUInt16BE(HEIGHT, 26);
  entry.writeUInt32BE(0x480000, 28);
  entry.writeUInt32BE(0x480000, 32);
  entry.writeUInt16BE(1, 40);
  entry.writeUInt16BE(24, 74);
  entry.writeInt16BE(-1, 76);
  return atom('raw ', entry);
}

function soundEntry(): Buffer {
  const entry = Buffer.alloc(28);
  entry.writeUInt16BE(1, 6);
  entry.writeUInt16BE(1, 16);
  entry.writeUInt16BE(16, 18);
  entry.writeUInt32BE(SAMPLE_RATE * 65_536, 24);
  return atom('sowt', entry);
}

function u32(...values: readonly number[]): Buffer {
  return u32Of(values);
}

function u32Of(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32BE(value, i * 4);
  });
  return bytes;
}

function atom(name: string, ...parts: readonly Buffer[]): Buffer {
  const size = 8 + parts.reduce((sum, part) => sum + part.byteLength, 0);
  return Buffer.concat([u32(size), Buffer.from(name, 'latin1'), ...parts]);
}
