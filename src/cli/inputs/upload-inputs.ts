/**
 * What `score` and `submit` are given, as upload events in input order. Nothing of the media is opened here.
 *
 * I1. Every line or file yields exactly one input, in order: an event, or the error that says why there is none.
 * I2. Rows are streamed: memory does not grow with the file.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FirstFiveError, toFirstFiveError } from '../../core/errors.ts';
import type { UploadEvent, UploadId } from '../../core/upload.ts';
import { PUBLISHING_LIMITS, requireValidUpload } from '../../core/upload-validation.ts';
import { expandArguments } from './file-arguments.ts';
import { readLines } from './lines.ts';
import { uploadFromRow, uploadIdOfRow } from './upload-row.ts';

/** Six bytes of JSON can spell one character: room for every text at the pipeline's limit, escaped. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

export type UploadInput =
  | { readonly index: number; readonly event: UploadEvent }
  | {
      readonly index: number;
      /** The row's own, or `line:N` when it has none. */
      readonly uploadId: string;
      readonly error: FirstFiveError;
    };

export interface UploadInputRequest {
  /** FILE, DIR and URI arguments; empty when `from` is given. */
  readonly media: readonly string[];
  /** Path of an uploads.jsonl; `-` is standard input. */
  readonly from: string | undefined;
  readonly cwd: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly now: number;
}

/** Throws `USAGE` before the first input when there is nothing to read, or both forms are given. */
export async function* readUploadInputs(request: UploadInputRequest): AsyncGenerator<UploadInput> {
  const { media, from } = request;
  if (media.length > 0 && from !== undefined) throw usage('give either files or --from, not both');
  if (from !== undefined) yield* rowInputs(request, from);
  else if (media.length > 0) yield* argumentInputs(request);
  else throw usage('give files, folders or URIs, or --from uploads.jsonl');
}

async function* argumentInputs(request: UploadInputRequest): AsyncGenerator<UploadInput> {
  let index = 0;
  for (const { uploadId, uri } of await expandArguments(request.media, request.cwd)) {
    yield argumentInput(index++, uploadId, uri, request.now);
  }
}

function argumentInput(index: number, uploadId: string, uri: string, now: number): UploadInput {
  const event: UploadEvent = {
    uploadId: uploadId as UploadId,
    revision: 0,
    media: { uri },
    uploadedAt: now,
    attributes: {},
  };
  try {
    return { index, event: requireValidUpload(event, PUBLISHING_LIMITS) };
  } catch (thrown) {
    return { index, uploadId, error: toFirstFiveError(thrown).withStage('read') };
  }
}

async function* rowInputs(request: UploadInputRequest, from: string): AsyncGenerator<UploadInput> {
  const path = resolve(request.cwd, from);
  const bytes = from === '-' ? request.stdin : await openRows(path);
  const settings = { baseDir: from === '-' ? request.cwd : dirname(path), now: request.now };
  let index = 0;
  for await (const line of readLines(bytes, MAX_LINE_BYTES)) {
    if (line.bytes !== null && isBlank(line.bytes)) continue;
    yield rowInput(index++, line.number, line.bytes, settings);
  }
}

function rowInput(
  index: number,
  line: number,
  bytes: Uint8Array | null,
  settings: { baseDir: string; now: number },
): UploadInput {
  try {
    if (bytes === null) throw new FirstFiveError('RECORD_TOO_LARGE', `longer than ${MAX_LINE_BYTES} bytes`);
    return { index, event: uploadFromRow(bytes, settings) };
  } catch (thrown) {
    const { code, kind, message } = toFirstFiveError(thrown);
    const uploadId = (bytes === null ? undefined : uploadIdOfRow(bytes)) ?? `line:${line}`;
    return {
      index,
      uploadId,
      error: new FirstFiveError(code, `line ${line}: ${message}`, { kind, stage: 'read' }),
    };
  }
}

async function openRows(path: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    // Opened before the first read, so that a missing file is said before anything else happens.
    const file = await open(path);
    if ((await file.stat()).isDirectory()) {
      await file.close();
      throw usage(`${path} is a folder; --from takes an uploads.jsonl`);
    }
    return createReadStream(path, { fd: file, highWaterMark: 256 * 1024 });
  } catch (error) {
    if (error instanceof FirstFiveError) throw error;
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw usage(`cannot read ${path} (${reason})`);
  }
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function usage(message: string): FirstFiveError {
  return new FirstFiveError('USAGE', message);
}
