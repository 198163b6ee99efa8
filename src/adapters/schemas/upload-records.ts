/** Mappings of the records that come from the platform: uploads, deletions and watch events. */
import { FirstFiveError } from '../../core/errors.ts';
import { DEFAULT_UPLOAD_LIMITS, type UploadEvent, type UploadId } from '../../core/upload.ts';
import type { UploadDeletion } from '../../core/upload-deletion.ts';
import {
  PUBLISHING_LIMITS,
  requireCount,
  requireName,
  requireValidUpload,
} from '../../core/upload-validation.ts';
import type { Watch } from '../../core/watch.ts';
import type { RecordMapping } from './avro-serde.ts';

export interface RawUpload {
  readonly uploadId: string;
  readonly revision: number;
  readonly media: { readonly uri: string };
  readonly title: string | null;
  readonly description: string | null;
  readonly creatorId: string | null;
  readonly uploadedAt: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Reading is stricter than writing: see `PUBLISHING_LIMITS`. */
export const uploadMapping: RecordMapping<UploadEvent, RawUpload> = {
  toRaw(event) {
    requireValidUpload(event, PUBLISHING_LIMITS);
    const { uploadId, revision, media, title, description, creatorId, uploadedAt, attributes } = event;
    return {
      uploadId,
      revision,
      media: { uri: media.uri },
      title: title ?? null,
      description: description ?? null,
      creatorId: creatorId ?? null,
      uploadedAt,
      attributes,
    };
  },
  fromRaw({ uploadId, revision, media, title, description, creatorId, uploadedAt, attributes }) {
    return requireValidUpload({
      uploadId: uploadId as UploadId,
      revision,
      media: { uri: media.uri },
      ...(title === null ? {} : { title }),
      ...(description === null ? {} : { description }),
      ...(creatorId === null ? {} : { creatorId }),
      uploadedAt,
      attributes: { ...attributes },
    });
  },
};

export interface RawDeletion {
  readonly uploadId: string;
  readonly deletedAt: number;
  readonly reason: string | null;
}

export const deletionMapping: RecordMapping<UploadDeletion, RawDeletion> = {
  toRaw(deletion) {
    requireDeletion(deletion);
    return { uploadId: deletion.uploadId, deletedAt: deletion.deletedAt, reason: deletion.reason ?? null };
  },
  fromRaw({ uploadId, deletedAt, reason }) {
    return requireDeletion({
      uploadId: uploadId as UploadId,
      deletedAt,
      ...(reason === null ? {} : { reason }),
    });
  },
};

export interface RawWatch {
  readonly impressionId: string;
  readonly uploadId: string;
  readonly watchedMs: number;
  readonly durationMs: number | null;
  readonly surface: string;
  readonly randomised: boolean;
  readonly propensity: number | null;
  readonly watchedAt: number;
}

export const watchMapping: RecordMapping<Watch, RawWatch> = {
  toRaw(watch) {
    requireWatch(watch);
    return { ...watch, durationMs: watch.durationMs ?? null, propensity: watch.propensity ?? null };
  },
  fromRaw({ impressionId, uploadId, watchedMs, durationMs, surface, randomised, propensity, watchedAt }) {
    return requireWatch({
      impressionId,
      uploadId: uploadId as UploadId,
      watchedMs,
      ...(durationMs === null ? {} : { durationMs }),
      surface,
      randomised,
      ...(propensity === null ? {} : { propensity }),
      watchedAt,
    });
  },
};

function requireDeletion(deletion: UploadDeletion): UploadDeletion {
  requireName('uploadId', deletion.uploadId, DEFAULT_UPLOAD_LIMITS.maxUploadIdBytes);
  requireCount('deletedAt', deletion.deletedAt);
  return deletion;
}

function requireWatch(watch: Watch): Watch {
  requireName('impressionId', watch.impressionId, DEFAULT_UPLOAD_LIMITS.maxUploadIdBytes);
  requireName('uploadId', watch.uploadId, DEFAULT_UPLOAD_LIMITS.maxUploadIdBytes);
  requireCount('watchedMs', watch.watchedMs);
  requireCount('watchedAt', watch.watchedAt);
  if (watch.durationMs !== undefined) requireCount('durationMs', watch.durationMs);
  if (watch.propensity !== undefined && !(watch.propensity > 0 && watch.propensity <= 1)) {
    throw new FirstFiveError('UPLOAD_INVALID', 'propensity is not in (0, 1]');
  }
  return watch;
}
