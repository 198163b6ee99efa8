/** Content-addressed references to bytes in the object store: the same bytes have the same key, so writing twice is harmless. */
import { sha256Hex } from './digest.ts';

/** A reference to bytes in the object store. */
export interface ArtefactRef {
  readonly key: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Key `sha256/<2 hex>/<62 hex>`: at most 256 folders, whatever the number of objects. */
export function claimCheck(bytes: Uint8Array): ArtefactRef {
  const sha256 = sha256Hex(bytes);
  return { key: `sha256/${sha256.slice(0, 2)}/${sha256.slice(2)}`, sha256, sizeBytes: bytes.byteLength };
}
