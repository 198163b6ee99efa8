/** Headers as one blob: per header, u32 name length, u32 value length (little-endian), name in UTF-8, value. `null` = none. */
import { FirstFiveError } from '../../core/errors.ts';
import type { RecordHeaders } from '../../core/record.ts';

const NONE: RecordHeaders = Object.freeze([]);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const PREFIX_BYTES = 8;

export function encodeHeaders(headers: RecordHeaders): Uint8Array | null {
  if (headers.length === 0) return null;
  const names = headers.map(([name]) => encoder.encode(name));
  let size = 0;
  headers.forEach(([, value], i) => {
    size += PREFIX_BYTES + (names[i]?.byteLength ?? 0) + value.byteLength;
  });
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  headers.forEach(([, value], i) => {
    const name = names[i] ?? new Uint8Array();
    view.setUint32(at, name.byteLength, true);
    view.setUint32(at + 4, value.byteLength, true);
    bytes.set(name, at + PREFIX_BYTES);
    bytes.set(value, at + PREFIX_BYTES + name.byteLength);
    at += PREFIX_BYTES + name.byteLength + value.byteLength;
  });
  return bytes;
}

/** Values are views of `bytes`, not copies. */
export function decodeHeaders(bytes: Uint8Array | null): RecordHeaders {
  if (bytes === null) return NONE;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headers: (readonly [string, Uint8Array])[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const value =
      at + PREFIX_BYTES + (at + PREFIX_BYTES <= bytes.byteLength ? view.getUint32(at, true) : Infinity);
    const end = value + (value <= bytes.byteLength ? view.getUint32(at + 4, true) : Infinity);
    if (end > bytes.byteLength)
      throw new FirstFiveError('LOG_UNAVAILABLE', 'the log is damaged: headers end too early');
    headers.push([decoder.decode(bytes.subarray(at + PREFIX_BYTES, value)), bytes.subarray(value, end)]);
    at = end;
  }
  return headers;
}
