/** The head of an answer: what the object is and which of its bytes follow. */
import { S3Failure } from './failure.ts';

export interface ObjectHead {
  readonly etag: string;
  /** Of the whole object. */
  readonly sizeBytes: number;
  /** Of the bytes that follow. */
  readonly bodyBytes: number;
  /** Only where a version is kept for good: the `null` version of a bucket without versioning can be overwritten. */
  readonly versionId: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

interface RawHead {
  readonly ETag?: string | undefined;
  readonly ContentLength?: number | undefined;
  readonly ContentRange?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly Metadata?: Record<string, string> | undefined;
}

/** Checks that the answer is to `asked`: some servers and caches ignore a range, or shift it. */
export function parseHead(
  raw: RawHead,
  asked: { readonly start: number; readonly end: number } | undefined,
): ObjectHead {
  if (raw.ETag === undefined || raw.ETag === '') throw new S3Failure('unusable', 'an answer without an ETag');
  const length = raw.ContentLength;
  if (length === undefined) throw new S3Failure('transient', 'an answer without a length');
  return {
    etag: raw.ETag,
    sizeBytes: asked === undefined ? length : sizeOf(raw.ContentRange, asked, length),
    bodyBytes: length,
    versionId: raw.VersionId === 'null' ? undefined : raw.VersionId,
    metadata: raw.Metadata ?? {},
  };
}

/** RFC 9110 section 14.4: `bytes first-last/complete`. */
function sizeOf(
  contentRange: string | undefined,
  asked: { start: number; end: number },
  length: number,
): number {
  const parts = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? '');
  if (parts === null) {
    // A whole object in place of a range that covers it is as good.
    if (asked.start === 0 && length <= asked.end) return length;
    throw new S3Failure('unusable', 'the server does not answer ranges');
  }
  const [first, last, size] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const expectedLast = Math.min(asked.end, size) - 1;
  if (first !== asked.start || last !== expectedLast || length !== last - first + 1) {
    throw new S3Failure('transient', `asked for ${asked.start}-${asked.end - 1}, got ${contentRange}`);
  }
  return size;
}
