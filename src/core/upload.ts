/** The upload event: what a platform says of a new upload, before anyone has watched it. */

export type UploadId = string & { readonly __brand: 'UploadId' };

/** Where the media lies: an absolute `file:` URI, an object key of the configured store, or an `s3:` URI. */
export interface MediaRef {
  readonly uri: string;
}

/** Text as the uploader wrote it; `caption` exists only where the platform supplies `attributes.caption`. */
export interface UploadText {
  readonly title?: string;
  readonly description?: string;
  readonly caption?: string;
}

export interface UploadEvent {
  readonly uploadId: UploadId;
  /** The uploader's edit count; a higher revision replaces a lower one. */
  readonly revision: number;
  readonly media: MediaRef;
  readonly title?: string;
  readonly description?: string;
  readonly creatorId?: string;
  /** Milliseconds since the epoch. */
  readonly uploadedAt: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What every later record of the same upload repeats. */
export interface UploadIdentity {
  readonly uploadId: UploadId;
  readonly revision: number;
  readonly uploadedAt: number;
}

/** An upload as the steps after extraction need it: who it is, and what its uploader wrote. */
export interface DescribedUpload extends UploadIdentity {
  readonly text: UploadText;
}

export function describeUpload(event: UploadEvent): DescribedUpload {
  const { uploadId, revision, uploadedAt } = event;
  return { uploadId, revision, uploadedAt, text: uploadText(event) };
}

export const LANES = ['live', 'backfill'] as const;
export type Lane = (typeof LANES)[number];

/** Limits on what an event may carry. Bytes are UTF-8 bytes. */
export interface UploadLimits {
  readonly maxTextBytes: number;
  readonly maxUploadIdBytes: number;
  readonly maxUriBytes: number;
  readonly maxAttributes: number;
}

/**
 * A title holds a few hundred characters on every platform and a description a few thousand; 64 KiB leaves room for a
 * machine-made caption and refuses what can only be an accident or an attack.
 */
export const DEFAULT_UPLOAD_LIMITS: UploadLimits = {
  maxTextBytes: 64 * 1024,
  maxUploadIdBytes: 512,
  maxUriBytes: 8 * 1024,
  maxAttributes: 64,
};

export function uploadText(event: UploadEvent): UploadText {
  const caption = event.attributes.caption;
  return {
    ...(event.title === undefined ? {} : { title: event.title }),
    ...(event.description === undefined ? {} : { description: event.description }),
    ...(caption === undefined ? {} : { caption }),
  };
}
