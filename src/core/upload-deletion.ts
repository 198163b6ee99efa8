/** A request to erase everything derived from an upload: the record of `media.upload.deleted.v1`. */
import type { UploadId } from './upload.ts';

export interface UploadDeletion {
  readonly uploadId: UploadId;
  /** Milliseconds since the epoch. */
  readonly deletedAt: number;
  /** In the platform's words; no personal text. */
  readonly reason?: string;
}
