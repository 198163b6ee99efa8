/**
 * What an upload event must hold, whatever it came from (Avro, jsonl, a command line).
 *
 * Messages name fields and sizes and repeat nothing that a field holds.
 */
import { FirstFiveError } from './errors.ts';
import { DEFAULT_UPLOAD_LIMITS, type UploadEvent, type UploadLimits } from './upload.ts';

/** Limits of those who publish: an oversized text is let through, so that the pipeline dead-letters it with its bytes. */
export const PUBLISHING_LIMITS: UploadLimits = {
  ...DEFAULT_UPLOAD_LIMITS,
  maxTextBytes: Number.POSITIVE_INFINITY,
};

/** Returns the event, or throws `UPLOAD_INVALID`, `MEDIA_URI_INVALID`, `TEXT_NOT_UTF8` or `TEXT_TOO_LARGE`. */
export function requireValidUpload(
  event: UploadEvent,
  limits: UploadLimits = DEFAULT_UPLOAD_LIMITS,
): UploadEvent {
  requireName('uploadId', event.uploadId, limits.maxUploadIdBytes);
  requireCount('revision', event.revision);
  requireCount('uploadedAt', event.uploadedAt);
  requireUri(event.media.uri, limits.maxUriBytes);
  if (event.creatorId !== undefined) requireText('creatorId', event.creatorId, limits);
  if (event.title !== undefined) requireText('title', event.title, limits);
  if (event.description !== undefined) requireText('description', event.description, limits);
  requireAttributes(event.attributes, limits);
  return event;
}

/** UTF-8 length in bytes of well-formed text. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // A surrogate pair is four bytes in two units: one more for each half.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}

/** For other records that carry an uploadId. */
export function requireName(field: string, name: string, maxBytes: number): void {
  if (name === '') throw invalid(`${field} is empty`);
  requireWellFormed(field, name);
  const bytes = utf8Length(name);
  if (bytes > maxBytes) throw invalid(`${field} has ${bytes} bytes; the limit is ${maxBytes}`);
}

/** A whole number from 0 that a double holds exactly, below 2^53 - 1: avsc takes no larger one as an Avro long. */
export function requireCount(field: string, value: number): void {
  const isExact = Number.isSafeInteger(value) && value < Number.MAX_SAFE_INTEGER;
  if (!isExact || value < 0) throw invalid(`${field} is not a whole number from 0`);
}

function requireUri(uri: string, maxBytes: number): void {
  const wrong = (what: string) => new FirstFiveError('MEDIA_URI_INVALID', `media.uri ${what}`);
  if (uri === '') throw wrong('is empty');
  if (uri.includes('\0')) throw wrong('holds a NUL');
  requireWellFormed('media.uri', uri);
  const bytes = utf8Length(uri);
  if (bytes > maxBytes) throw wrong(`has ${bytes} bytes; the limit is ${maxBytes}`);
}

function requireAttributes(attributes: UploadEvent['attributes'], limits: UploadLimits): void {
  const entries = Object.entries(attributes);
  if (entries.length > limits.maxAttributes) {
    throw invalid(`there are ${entries.length} attributes; the limit is ${limits.maxAttributes}`);
  }
  for (const [name, value] of entries) {
    requireText('the name of an attribute', name, limits);
    // A name is the platform's own word, but an attacker may choose it too: it is shown short.
    requireText(`attributes.${name.slice(0, 40)}`, value, limits);
  }
}

function requireText(field: string, text: string, limits: UploadLimits): void {
  requireWellFormed(field, text);
  if (text.length * 3 <= limits.maxTextBytes) return;
  const bytes = utf8Length(text);
  if (bytes > limits.maxTextBytes) {
    throw new FirstFiveError(
      'TEXT_TOO_LARGE',
      `${field} has ${bytes} bytes; the limit is ${limits.maxTextBytes}`,
    );
  }
}

/** A lone surrogate has no UTF-8 form: an encoder would write U+FFFD in its place, silently. */
function requireWellFormed(field: string, text: string): void {
  if (!text.isWellFormed()) throw new FirstFiveError('TEXT_NOT_UTF8', `${field} is not valid Unicode`);
}

function invalid(message: string): FirstFiveError {
  return new FirstFiveError('UPLOAD_INVALID', message);
}
