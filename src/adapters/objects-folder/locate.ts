/**
 * From a uri to the path it means.
 *
 * - `file:` URI: percent-decoded (RFC 8089).
 * - An absolute path, literally: no percent-decoding.
 * - Anything else without `://`: an object key, a path below the store's root. Where any file may be opened, a relative path
 *   that exists comes first.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FirstFiveError } from '../../core/errors.ts';

export type Location =
  | { readonly kind: 'file'; readonly path: string }
  /** Must stay below the root. */
  | { readonly kind: 'key'; readonly path: string; readonly root: string };

/** Without a `root` there are no keys: they are refused. */
export function locate(uri: string, root: string | undefined, anyFile: boolean): Location {
  if (uri === '') throw uriInvalid('the uri is empty');
  if (uri.includes('\0')) throw uriInvalid('the uri holds a NUL');
  if (/^file:/i.test(uri)) return { kind: 'file', path: pathOfUri(uri) };
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(uri)) {
    throw uriInvalid(`a folder store opens files and keys, not ${uri.slice(0, uri.indexOf(':'))}: addresses`);
  }
  if (isAbsolute(uri)) return { kind: 'file', path: uri };
  if (anyFile && existsSync(uri)) return { kind: 'file', path: resolve(uri) };
  if (root === undefined) throw uriInvalid('a key without a store to look it up in');
  return { kind: 'key', path: keyPath(uri, root), root };
}

/** Path of an object key. Refuses every key that is not a plain way down from the root. */
export function keyPath(key: string, root: string): string {
  const parts = key.split('/');
  if (key.includes('\0') || key === '') throw uriInvalid('the key is empty or holds a NUL');
  if (isAbsolute(key) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new FirstFiveError(
      'MEDIA_FORBIDDEN',
      `the key ${JSON.stringify(key)} is not a plain path below the store's root`,
    );
  }
  return join(root, ...parts);
}

function pathOfUri(uri: string): string {
  try {
    const path = fileURLToPath(uri);
    if (path.includes('\0')) throw uriInvalid('the uri holds a NUL');
    return path;
  } catch (thrown) {
    if (thrown instanceof FirstFiveError) throw thrown;
    throw new FirstFiveError('MEDIA_URI_INVALID', `not a usable file: URI: ${String(thrown)}`, {
      cause: thrown,
    });
  }
}

function uriInvalid(message: string): FirstFiveError {
  return new FirstFiveError('MEDIA_URI_INVALID', message);
}
