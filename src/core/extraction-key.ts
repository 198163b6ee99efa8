/** Name of an extraction in the object store: what was decoded, what was asked for, and by whom. */
import { canonicalJson, sha256Hex } from './digest.ts';

export interface ExtractionIdentity {
  readonly uri: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly planDigest: string;
  readonly decoderBuild: string;
}

/**
 * Key `extractions/<2 hex>/<62 hex>`. The etag alone would not do: a folder's is of size, time and inode, and an S3 ETag may be
 * an MD5, of which two files can be made to have the same. So equal bytes under two addresses are decoded twice.
 */
export function extractionKey(identity: ExtractionIdentity): string {
  const { uri, etag, sizeBytes, planDigest, decoderBuild } = identity;
  const digest = sha256Hex(canonicalJson({ uri, etag, sizeBytes, planDigest, decoderBuild }));
  return `extractions/${digest.slice(0, 2)}/${digest.slice(2)}`;
}
