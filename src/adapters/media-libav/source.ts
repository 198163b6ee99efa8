/**
 * Opening one upload in libav so that nothing else can be opened through it.
 *
 * S1. The demuxer is forced by the sniffed bytes (core/media/sniff.ts); libav never probes.
 * S2. A local file reaches libav as a file descriptor (`fd:`) and `fd` is the only protocol allowed; a remote object
 *     reaches it through read callbacks and no protocol is allowed. No name inside a file can be opened either way.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { AVSEEK_CUR, AVSEEK_END, AVSEEK_SIZE, type AVSeekWhence } from 'node-av/constants';
import { Dictionary, FormatContext, InputFormat, IOContext, type Packet } from 'node-av/lib';
import { FirstFiveError } from '../../core/errors.ts';
import { fileEtag } from '../../core/file-etag.ts';
import {
  type Container,
  claimedPixels,
  id3v2Length,
  SNIFF_BYTES,
  sniffContainer,
} from '../../core/media/sniff.ts';

/** Bytes `[offset, offset + length)` of the upload, shorter only at its end. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** True once a read has failed for a reason outside the file. */
  readonly failed: boolean;
  /** A descriptor of its own with its position at the start, where the upload is a local file; the caller closes it. */
  descriptor?(): number;
  /** Fails with `MEDIA_CHANGED` when the bytes are no longer those that were pinned. Remote objects are checked by their store. */
  verify?(): void;
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  close(): void;
}

/** The local file that was pinned: `etag` is `fileEtag` of it. Fails when it cannot be opened, or the path means other bytes. */
export function openLocal(path: string, { sizeBytes, etag }: PinnedFile): ByteSource {
  const fd = openPinned(path, etag);
  return {
    sizeBytes,
    failed: false,
    descriptor: () => openPinned(path, etag),
    verify() {
      if (fileEtag(fstatSync(fd, { bigint: true })) !== etag) throw changed();
    },
    read(offset, length) {
      const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, sizeBytes - offset)));
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset));
    },
    close: () => closeSync(fd),
  };
}

export interface PinnedFile {
  readonly sizeBytes: number;
  readonly etag: string;
}

function openPinned(path: string, etag: string): number {
  const fd = openRegular(path);
  if (fileEtag(fstatSync(fd, { bigint: true })) === etag) return fd;
  closeSync(fd);
  throw changed();
}

function changed(): FirstFiveError {
  return new FirstFiveError('MEDIA_CHANGED', 'the file is not the one that was pinned');
}

function openRegular(path: string): number {
  let fd: number;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new FirstFiveError('MEDIA_NOT_FOUND', 'the pinned file cannot be opened any more', { cause });
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new FirstFiveError('MEDIA_NOT_A_FILE', 'not a regular file');
}

export interface OpenedMedia {
  readonly format: FormatContext;
  readonly container: Container;
  /** Next packet into `packet`; negative at the end or on an error. Synchronous for local files. */
  next(packet: Packet): number | Promise<number>;
  close(): Promise<void>;
}

/**
 * Remote bytes are asked for in pieces of this size, which end at its multiples: what is fetched in vain when reading stops is
 * less than one piece, and a piece is one block of the S3 store's cache.
 */
const REMOTE_PIECE = 64 * 1024;
/** Options of every demuxer: bounded stream counts and bounded probing of streams whose parameters stay unknown. */
const FORMAT_OPTIONS = { max_streams: '256', probesize: '5000000', analyzeduration: '5000000' };

export async function openMedia(source: ByteSource, maxPixels: number): Promise<OpenedMedia> {
  const container = await sniff(source, maxPixels);
  const input = InputFormat.findInputFormat(container.demuxer);
  if (input === null) throw new FirstFiveError('MEDIA_UNSUPPORTED', 'this libav has no such demuxer');
  const format = new FormatContext();
  const local = source.descriptor !== undefined;
  const io = local ? undefined : callbackIo(source);
  try {
    const opened = local ? openByDescriptor(format, input, source) : await openByCallbacks(format, input, io);
    if (opened < 0) throw new FirstFiveError('MEDIA_CORRUPT', 'the container cannot be opened');
    const found = local ? format.findStreamInfoSync(null) : await format.findStreamInfo(null);
    if (found < 0) throw new FirstFiveError('MEDIA_CORRUPT', 'the container has no readable streams');
  } catch (thrown) {
    await closeFormat(format, io);
    throw thrown;
  }
  return {
    format,
    container,
    next: (packet) => (local ? format.readFrameSync(packet) : format.readFrame(packet)),
    close: () => closeFormat(format, io),
  };
}

function openByDescriptor(format: FormatContext, input: InputFormat, source: ByteSource): number {
  const fd = source.descriptor?.() ?? -1;
  try {
    return format.openInputSync('fd:', input, options(input, { protocol_whitelist: 'fd', fd: String(fd) }));
  } finally {
    // libav works on a duplicate.
    closeSync(fd);
  }
}

function openByCallbacks(
  format: FormatContext,
  input: InputFormat,
  io: IOContext | undefined,
): Promise<number> {
  format.allocContext();
  format.pb = io ?? null;
  return format.openInput('', input, options(input, { protocol_whitelist: 'none' }));
}

function options(input: InputFormat, more: Readonly<Record<string, string>>): Dictionary {
  return Dictionary.fromObject({ ...FORMAT_OPTIONS, format_whitelist: input.name ?? '', ...more });
}

async function closeFormat(format: FormatContext, io: IOContext | undefined): Promise<void> {
  await format.closeInput();
  io?.freeContext();
}

async function sniff(source: ByteSource, maxPixels: number): Promise<Container> {
  const head = await source.read(0, SNIFF_BYTES);
  if ((claimedPixels(head) ?? 0) > maxPixels) {
    throw new FirstFiveError('MEDIA_LIMIT', 'the picture claims more pixels than allowed');
  }
  const tag = id3v2Length(head);
  const behind = tag > 0 ? await source.read(tag, SNIFF_BYTES) : undefined;
  const sniffed = sniffContainer(head, behind);
  if (sniffed.kind === 'container') return sniffed;
  if (sniffed.kind === 'references') {
    throw new FirstFiveError('MEDIA_REFERENCES', `the file only refers to others (${sniffed.what})`);
  }
  throw new FirstFiveError('MEDIA_UNSUPPORTED', `not a supported container (${sniffed.what})`);
}

/** libav calls these from a pool thread and waits; only the asynchronous calls of the context may be used with them. */
function callbackIo(source: ByteSource): IOContext {
  let position = 0;
  const io = new IOContext();
  io.allocContextWithCallbacks(
    REMOTE_PIECE,
    0,
    async (size) => {
      const bytes = await source.read(position, Math.min(size, REMOTE_PIECE - (position % REMOTE_PIECE)));
      position += bytes.byteLength;
      return bytes.byteLength === 0 ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    null,
    (offset, whence) => {
      if (whence === AVSEEK_SIZE) return BigInt(source.sizeBytes);
      position = seekTarget(Number(offset), whence, position, source.sizeBytes);
      return BigInt(position);
    },
  );
  return io;
}

function seekTarget(offset: number, whence: AVSeekWhence, position: number, size: number): number {
  if (whence === AVSEEK_CUR) return position + offset;
  return whence === AVSEEK_END ? size + offset : offset;
}
