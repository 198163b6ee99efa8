/**
 * One row of an uploads.jsonl file as an upload event.
 *
 * R1. Unknown keys are errors that name the key: a misspelt `desription` must not score as "no description".
 * R2. `null` means absent, as exports of databases write it.
 * R3. Text over the pipeline's limit is let through: the pipeline dead-letters it, with the row's own bytes kept.
 */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FirstFiveError } from '../../core/errors.ts';
import type { UploadEvent, UploadId } from '../../core/upload.ts';
import { PUBLISHING_LIMITS, requireValidUpload } from '../../core/upload-validation.ts';

export interface RowSettings {
  /** Folder that relative paths are taken from. */
  readonly baseDir: string;
  /** For rows that do not say when they were uploaded; milliseconds since the epoch. */
  readonly now: number;
}

type JsonObject = Readonly<Record<string, unknown>>;

const ROW_KEYS = [
  'uploadId',
  'revision',
  'media',
  'title',
  'description',
  'creatorId',
  'uploadedAt',
  'attributes',
];

/** Throws `TEXT_NOT_UTF8`, `MEDIA_URI_INVALID` or `UPLOAD_INVALID`; messages name keys and never repeat what they hold. */
export function uploadFromRow(bytes: Uint8Array, settings: RowSettings): UploadEvent {
  return requireValidUpload(uploadFromObject(parseRow(bytes), settings), PUBLISHING_LIMITS);
}

/** The row's uploadId where there is one, for naming a row that is otherwise unusable. */
export function uploadIdOfRow(bytes: Uint8Array): string | undefined {
  try {
    const { uploadId } = parseRow(bytes);
    return typeof uploadId === 'string' && uploadId !== '' ? uploadId : undefined;
  } catch {
    return undefined;
  }
}

/** A path as an absolute `file:` URI. A string with a scheme is a URI already, and is left as it is. */
export function mediaUri(given: string, baseDir: string): string {
  // One letter before the colon is a drive, not a scheme.
  if (/^[A-Za-z][A-Za-z0-9+.-]+:/.test(given)) return given;
  return pathToFileURL(resolve(baseDir, given)).href;
}

function parseRow(bytes: Uint8Array): JsonObject {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FirstFiveError('TEXT_NOT_UTF8', 'the line is not UTF-8');
  }
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    throw invalid('the line is not JSON');
  }
  if (!isObject(row)) throw invalid('the line is not a JSON object');
  return row;
}

function uploadFromObject(row: JsonObject, settings: RowSettings): UploadEvent {
  refuseUnknownKeys(row, ROW_KEYS, '');
  const title = optionalText(row, 'title');
  const description = optionalText(row, 'description');
  const creatorId = optionalText(row, 'creatorId');
  return {
    uploadId: requiredText(row, 'uploadId') as UploadId,
    revision: revisionOf(row.revision),
    media: { uri: mediaUri(uriOf(row.media), settings.baseDir) },
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(creatorId === undefined ? {} : { creatorId }),
    uploadedAt: timeOf(row.uploadedAt, settings.now),
    attributes: attributesOf(row.attributes),
  };
}

function refuseUnknownKeys(object: JsonObject, known: readonly string[], path: string): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalid(`unknown key ${JSON.stringify(`${path}${unknown}`.slice(0, 80))}`);
}

function requiredText(object: JsonObject, key: string, path = ''): string {
  const text = optionalText(object, key, path);
  if (text === undefined || text === '') throw invalid(`${path}${key} is missing`);
  return text;
}

function optionalText(object: JsonObject, key: string, path = ''): string | undefined {
  const value = object[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalid(`${path}${key} is not a string`);
  // JSON can spell half a surrogate pair, which no UTF-8 text can hold.
  if (!value.isWellFormed()) throw new FirstFiveError('TEXT_NOT_UTF8', `${path}${key} is not valid Unicode`);
  return value;
}

function revisionOf(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid('revision is not a whole number from 0');
}

function uriOf(media: unknown): string {
  if (!isObject(media)) throw invalid('media is missing or not an object');
  refuseUnknownKeys(media, ['uri'], 'media.');
  const uri = requiredText(media, 'uri', 'media.');
  // Checked here, since making a URI of the path would hide it.
  if (uri.includes('\0')) throw new FirstFiveError('MEDIA_URI_INVALID', 'media.uri holds a NUL');
  return uri;
}

function timeOf(value: unknown, now: number): number {
  if (value === undefined || value === null) return now;
  const time = typeof value === 'string' ? isoTime(value) : value;
  if (typeof time === 'number' && Number.isSafeInteger(time) && time >= 0) return time;
  throw invalid('uploadedAt is neither milliseconds since 1970 nor an ISO 8601 time');
}

/** `Date.parse` alone also takes loose forms that mean different times on different machines. */
function isoTime(text: string): number {
  return /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
}

function attributesOf(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw invalid('attributes is not an object');
  const entries = Object.keys(value).map((key) => [key, optionalText(value, key, 'attributes.')] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): FirstFiveError {
  return new FirstFiveError('UPLOAD_INVALID', message);
}
