/** Operating system errors as the closed list's codes. Messages name no path of the surroundings beyond the one asked for. */
import { type ErrorCode, FirstFiveError } from '../../core/errors.ts';

const MEDIA_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'MEDIA_NOT_FOUND',
  ENOTDIR: 'MEDIA_NOT_FOUND',
  EACCES: 'MEDIA_FORBIDDEN',
  EPERM: 'MEDIA_FORBIDDEN',
  ELOOP: 'MEDIA_FORBIDDEN',
  EISDIR: 'MEDIA_NOT_A_FILE',
  ENXIO: 'MEDIA_NOT_A_FILE',
  ENODEV: 'MEDIA_NOT_A_FILE',
  ENAMETOOLONG: 'MEDIA_URI_INVALID',
};

export function fileErrorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** For what was asked of one object: its own fault where it is one, else the store's (`STORE_UNAVAILABLE`). */
export function toMediaError(thrown: unknown, uri: string): FirstFiveError {
  if (thrown instanceof FirstFiveError) return thrown;
  const code = MEDIA_CODES[fileErrorCode(thrown) ?? ''];
  if (code === undefined) return toStoreError(thrown, uri);
  return new FirstFiveError(code, `${uri} cannot be opened: ${fileErrorCode(thrown)}`, { cause: thrown });
}

/** For what concerns every object alike: no descriptors, no space, a failing disk, a root without permission. */
export function toStoreError(thrown: unknown, what: string): FirstFiveError {
  if (thrown instanceof FirstFiveError) return thrown;
  const reason = fileErrorCode(thrown) ?? String(thrown);
  return new FirstFiveError('STORE_UNAVAILABLE', `the folder store failed with ${reason} at ${what}`, {
    cause: thrown,
  });
}
