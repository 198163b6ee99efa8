/** Headers that every output of a stage carries beside its schema'd value: what is read without decoding. */
import { type ErrorCode, isErrorCode } from '../core/errors.ts';
import { headerText, type RecordHeaders, type StreamRecord } from '../core/record.ts';
import type { Lane, UploadId, UploadIdentity } from '../core/upload.ts';

export const REVISION_HEADER = 'ff-revision';
export const TIER_HEADER = 'ff-tier';
export const LANE_HEADER = 'ff-lane';
/** `topic/partition/offset` of the upload event that an output goes back to, however many stages lie between. */
export const SOURCE_HEADER = 'ff-source';

/** Code of the rejection that a tombstone stands for: the upload went no further, and the score step emits its base rate. */
export const REJECTED_HEADER = 'ff-rejected';
/** Milliseconds since the epoch; on tombstones, which have no value to say it. */
export const UPLOADED_AT_HEADER = 'ff-uploaded-at';

export interface OutputOrigin {
  readonly source: StreamRecord;
  readonly lane: Lane;
  readonly revision: number;
  readonly tier?: number;
  readonly rejection?: { readonly code: ErrorCode; readonly uploadedAt: number };
}

export function outputHeaders({ source, lane, revision, tier, rejection }: OutputOrigin): RecordHeaders {
  const encoder = new TextEncoder();
  const headers: [string, Uint8Array][] = [
    [SOURCE_HEADER, encoder.encode(sourceOf(source))],
    [LANE_HEADER, encoder.encode(lane)],
    [REVISION_HEADER, encoder.encode(String(revision))],
  ];
  if (tier !== undefined) headers.push([TIER_HEADER, encoder.encode(String(tier))]);
  if (rejection !== undefined) {
    headers.push([REJECTED_HEADER, encoder.encode(rejection.code)]);
    headers.push([UPLOADED_AT_HEADER, encoder.encode(String(rejection.uploadedAt))]);
  }
  return headers;
}

export interface RejectedUpload {
  readonly identity: UploadIdentity;
  readonly code: ErrorCode;
}

/** What a tombstone with a rejection says; `undefined` for any other record. */
export function rejectionOf(
  record: Pick<StreamRecord, 'key' | 'value' | 'headers'>,
): RejectedUpload | undefined {
  const code = headerText(record.headers, REJECTED_HEADER);
  if (record.value !== null || record.key === null || code === undefined || !isErrorCode(code))
    return undefined;
  const revision = Number(headerText(record.headers, REVISION_HEADER));
  const uploadedAt = Number(headerText(record.headers, UPLOADED_AT_HEADER));
  if (!Number.isSafeInteger(revision) || !Number.isSafeInteger(uploadedAt)) return undefined;
  return {
    identity: { uploadId: new TextDecoder().decode(record.key) as UploadId, revision, uploadedAt },
    code,
  };
}

/** The upload event behind a record: the one that its header names, or the record itself. */
export function sourceOf(record: Pick<StreamRecord, 'topic' | 'partition' | 'offset' | 'headers'>): string {
  const named = headerText(record.headers, SOURCE_HEADER);
  return named ?? sourceText(record);
}

export function sourceText({
  topic,
  partition,
  offset,
}: Pick<StreamRecord, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}/${partition}/${offset}`;
}
