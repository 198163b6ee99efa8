/** Features of an upload of which only the text is known: what evaluation and text-only scoring put into the score step. */
import type { Producer, UploadFeatures } from '../../core/features.ts';
import { normaliseUploadText } from '../../core/text/normalise.ts';
import type { UploadIdentity, UploadText } from '../../core/upload.ts';

export function textOnlyFeatures(
  identity: UploadIdentity,
  text: UploadText,
  producer: Producer,
): UploadFeatures {
  const { uploadId, revision, uploadedAt } = identity;
  return {
    uploadId,
    revision,
    uploadedAt,
    mediaEtag: '',
    text: normaliseUploadText(text),
    probe: { container: 'none', sizeBytes: 0, durationMs: null, bitRate: null, video: null, audio: null },
    signals: {},
    missing: ['video', 'audio'],
    embeddings: [],
    producer,
    timings: {},
  };
}
