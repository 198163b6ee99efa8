/**
 * Identity of a local file's bytes: size, modification time in nanoseconds, inode. Whoever opens `PinnedObject.localPath` again
 * compares this of its own descriptor with the object's etag, so that a file swapped in between is noticed.
 */

export interface FileIdentity {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ino: bigint;
}

export function fileEtag({ size, mtimeNs, ino }: FileIdentity): string {
  return `${size.toString(16)}-${mtimeNs.toString(16)}-${ino.toString(16)}`;
}
