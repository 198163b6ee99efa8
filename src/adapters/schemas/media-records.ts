/** The parts that extracted and embedded records share: text, probe, missing modalities. */
import type { AudioProbe, MediaModality, MediaProbe, VideoProbe } from '../../core/extraction.ts';
import {
  DEFAULT_UPLOAD_LIMITS,
  type UploadId,
  type UploadIdentity,
  type UploadText,
} from '../../core/upload.ts';
import { requireCount, requireName } from '../../core/upload-validation.ts';
import { undecodable } from './avro-check.ts';

export interface RawText {
  readonly title: string | null;
  readonly description: string | null;
  readonly caption: string | null;
}

export interface RawIdentity {
  readonly uploadId: string;
  readonly revision: number;
  readonly uploadedAt: number;
}

export function identityFromRaw({ uploadId, revision, uploadedAt }: RawIdentity): UploadIdentity {
  return requireIdentity({ uploadId: uploadId as UploadId, revision, uploadedAt });
}

export function requireIdentity<T extends UploadIdentity>(value: T): T {
  requireName('uploadId', value.uploadId, DEFAULT_UPLOAD_LIMITS.maxUploadIdBytes);
  requireCount('revision', value.revision);
  requireCount('uploadedAt', value.uploadedAt);
  return value;
}

export function textToRaw(text: UploadText): RawText {
  return { title: text.title ?? null, description: text.description ?? null, caption: text.caption ?? null };
}

export function textFromRaw({ title, description, caption }: RawText): UploadText {
  return {
    ...(title === null ? {} : { title }),
    ...(description === null ? {} : { description }),
    ...(caption === null ? {} : { caption }),
  };
}

export function probeFromRaw({
  container,
  sizeBytes,
  durationMs,
  bitRate,
  video,
  audio,
}: MediaProbe): MediaProbe {
  return {
    container,
    sizeBytes,
    durationMs,
    bitRate,
    video: video === null ? null : videoProbeFromRaw(video),
    audio: audio === null ? null : audioProbeFromRaw(audio),
  };
}

/** A modality that this version does not know means that a newer one wrote the record. */
export function modalitiesFromRaw(names: readonly string[]): MediaModality[] {
  return names.map((name) => {
    if (name !== 'video' && name !== 'audio') throw undecodable('a modality is neither video nor audio');
    return name;
  });
}

function videoProbeFromRaw(raw: VideoProbe): VideoProbe {
  const {
    codec,
    pixelFormat,
    width,
    height,
    displayWidth,
    displayHeight,
    rotation,
    mirrored,
    frameRate,
    still,
  } = raw;
  return {
    codec,
    pixelFormat,
    width,
    height,
    displayWidth,
    displayHeight,
    rotation,
    mirrored,
    frameRate,
    still,
  };
}

function audioProbeFromRaw({ codec, sampleRate, channels }: AudioProbe): AudioProbe {
  return { codec, sampleRate, channels };
}
