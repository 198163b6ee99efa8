/**
 * From a uri to an object.
 *
 * - `s3://bucket/key`: the key literally, without percent-decoding (as the AWS command line has it). It must lie in one of
 *   the places that media may be read from: an upload event must not be able to read whatever the service's credentials can.
 * - `file:` URI, absolute path: for the folder store, where one is configured.
 * - Anything else without `://`: an object key below the store's prefix.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { S3Place } from './options.ts';

export interface S3Location {
  readonly bucket: string;
  readonly key: string;
}

export type Located = { readonly kind: 'file' } | ({ readonly kind: 's3' } & S3Location);

/** AWS: "Object key names", UTF-8 bytes. */
const MAX_KEY_BYTES = 1024;

/** `places[0]` is the store's own. */
export function locate(uri: string, places: readonly S3Place[]): Located {
  if (uri === '') throw uriInvalid('the uri is empty');
  if (uri.includes('\0')) throw uriInvalid('the uri holds a NUL');
  if (/^file:/i.test(uri) || uri.startsWith('/')) return { kind: 'file' };
  const s3 = /^s3:\/\/([^/]*)\/?(.*)$/is.exec(uri);
  if (s3 !== null) return { kind: 's3', ...inPlaces({ bucket: s3[1] ?? '', key: s3[2] ?? '' }, places) };
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(uri)) {
    throw uriInvalid(`an S3 store opens s3: addresses and keys, not ${uri.slice(0, uri.indexOf(':'))}:`);
  }
  const [own] = places;
  if (own === undefined) throw new FirstFiveError('INTERNAL', 'an S3 store without a place of its own');
  const location = keyIn(own, uri);
  if (location.key.endsWith('/')) throw notAFile();
  return { kind: 's3', ...location };
}

/** Location of a key of the store's own. Refuses every key that is not a plain way down from the prefix. */
export function keyIn(place: S3Place, key: string): S3Location {
  if (key === '' || key.includes('\0')) throw uriInvalid('the key is empty or holds a NUL');
  if (key.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw forbidden(`the key ${JSON.stringify(key)} is not a plain path below the store's prefix`);
  }
  return { bucket: place.bucket, key: sized(place.prefix === '' ? key : `${place.prefix}/${key}`) };
}

function inPlaces(location: S3Location, places: readonly S3Place[]): S3Location {
  const { bucket, key } = location;
  if (bucket === '' || key === '') throw uriInvalid('an s3: address is s3://BUCKET/KEY');
  // Keys are flat in S3, but servers that keep them as files, and proxies on the way, resolve dots.
  if (key.split('/').some((part) => part === '.' || part === '..'))
    throw forbidden('the key holds dot segments');
  const allowed = places.some(
    (place) => place.bucket === bucket && (place.prefix === '' || key.startsWith(`${place.prefix}/`)),
  );
  if (!allowed) throw forbidden(`s3://${bucket}/… is not a place that media may be read from`);
  if (key.endsWith('/')) throw notAFile();
  return { bucket, key: sized(key) };
}

function sized(key: string): string {
  if (!key.isWellFormed()) throw uriInvalid('the key is not valid Unicode');
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw uriInvalid(`the key is longer than ${MAX_KEY_BYTES} bytes`);
  return key;
}

function uriInvalid(message: string): FirstFiveError {
  return new FirstFiveError('MEDIA_URI_INVALID', message);
}

function forbidden(message: string): FirstFiveError {
  return new FirstFiveError('MEDIA_FORBIDDEN', message);
}

function notAFile(): FirstFiveError {
  return new FirstFiveError('MEDIA_NOT_A_FILE', 'the key names a folder marker, not an object');
}
