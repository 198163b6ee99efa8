/** Mapping of the record between an extract stage and an embed stage. */
import type { ArtefactRef } from '../../core/claim-check.ts';
import type { ExtractedUpload, StoredAudio, StoredVideo } from '../../core/extracted-upload.ts';
import type { RecordMapping } from './avro-serde.ts';
import {
  identityFromRaw,
  modalitiesFromRaw,
  probeFromRaw,
  type RawText,
  requireIdentity,
  textFromRaw,
  textToRaw,
} from './media-records.ts';

export interface RawExtracted extends Omit<ExtractedUpload, 'text' | 'missing' | 'uploadId'> {
  readonly uploadId: string;
  readonly text: RawText;
  readonly missing: readonly string[];
}

export const extractedMapping: RecordMapping<ExtractedUpload, RawExtracted> = {
  toRaw(extracted) {
    requireIdentity(extracted);
    return { ...extracted, text: textToRaw(extracted.text) };
  },
  fromRaw(raw) {
    return {
      ...identityFromRaw(raw),
      mediaEtag: raw.mediaEtag,
      text: textFromRaw(raw.text),
      probe: probeFromRaw(raw.probe),
      signals: { ...raw.signals },
      missing: modalitiesFromRaw(raw.missing),
      video: raw.video === null ? null : videoFromRaw(raw.video),
      audio: raw.audio === null ? null : audioFromRaw(raw.audio),
      further: raw.further === null ? null : artefactFromRaw(raw.further),
      planDigest: raw.planDigest,
      decoderBuild: raw.decoderBuild,
      timings: { ...raw.timings },
    };
  },
};

function videoFromRaw({ width, height, targets, pixels }: StoredVideo): StoredVideo {
  const plain = targets.map(({ atMs, ptsMs, repeated }) => ({ atMs, ptsMs, repeated }));
  return { width, height, targets: plain, pixels: artefactFromRaw(pixels) };
}

function audioFromRaw({ sampleRate, samples }: StoredAudio): StoredAudio {
  return { sampleRate, samples: artefactFromRaw(samples) };
}

function artefactFromRaw({ key, sha256, sizeBytes }: ArtefactRef): ArtefactRef {
  return { key, sha256, sizeBytes };
}
