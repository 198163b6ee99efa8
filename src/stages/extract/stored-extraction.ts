/**
 * Claim checks: frames and sound in the object store, references in the record, for topologies whose steps run apart.
 *
 * S1. Artefacts are written before the record that points to them, under the hash of their bytes: a replay writes the same
 *     keys again and changes nothing; what a crash leaves behind is an orphan, not a dangling reference.
 * S2. What is loaded has the stated size and hash, or the record is refused with `ARTEFACT_MISSING`.
 */
import { type ArtefactRef, claimCheck } from '../../core/claim-check.ts';
import { sha256Hex } from '../../core/digest.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { ExtractedUpload } from '../../core/extracted-upload.ts';
import type { MediaModality } from '../../core/extraction.ts';
import type { DescribedUpload } from '../../core/upload.ts';
import type { ObjectStore } from '../object-store.ts';
import type { ExtractedMedia } from './extract-stage.ts';

export async function storeExtraction(
  store: ObjectStore,
  upload: DescribedUpload,
  { media, planDigest }: { readonly media: ExtractedMedia; readonly planDigest: string },
  signal?: AbortSignal,
): Promise<ExtractedUpload> {
  const { extraction, mediaEtag, decoderBuild, tookMs } = media;
  const { video, audio, probe, signals } = extraction;
  const [pixels, samples] = await Promise.all([
    video === null ? null : put(store, video.pixels, signal),
    audio === null ? null : put(store, bytesOf(audio.samples), signal),
  ]);
  const missing: MediaModality[] = [];
  if (video === null) missing.push('video');
  if (audio === null) missing.push('audio');
  const { uploadId, revision, uploadedAt, text } = upload;
  return {
    uploadId,
    revision,
    uploadedAt,
    text,
    mediaEtag,
    probe,
    signals,
    missing,
    video:
      video === null || pixels === null
        ? null
        : { width: video.width, height: video.height, targets: video.targets, pixels },
    audio: audio === null || samples === null ? null : { sampleRate: audio.sampleRate, samples },
    planDigest,
    decoderBuild,
    timings: { ...extraction.timings, total: tookMs },
  };
}

export async function loadExtraction(
  store: ObjectStore,
  stored: ExtractedUpload,
  signal?: AbortSignal,
): Promise<ExtractedMedia> {
  const { video, audio, probe, signals, mediaEtag, decoderBuild } = stored;
  const { total = 0, ...timings } = stored.timings;
  const [pixels, samples] = await Promise.all([
    video === null ? null : get(store, video.pixels, signal),
    audio === null ? null : get(store, audio.samples, signal),
  ]);
  return {
    mediaEtag,
    decoderBuild,
    tookMs: total,
    extraction: {
      probe,
      signals,
      timings,
      video: video === null || pixels === null ? null : { ...video, pixels },
      audio:
        audio === null || samples === null
          ? null
          : { sampleRate: audio.sampleRate, samples: floatsOf(samples) },
    },
  };
}

async function put(store: ObjectStore, bytes: Uint8Array, signal?: AbortSignal): Promise<ArtefactRef> {
  const reference = claimCheck(bytes);
  await store.putIfAbsent(reference.key, bytes, signal);
  return reference;
}

async function get(store: ObjectStore, reference: ArtefactRef, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = await store.get(reference.key, signal);
  if (bytes.byteLength !== reference.sizeBytes || sha256Hex(bytes) !== reference.sha256) {
    throw new FirstFiveError(
      'ARTEFACT_MISSING',
      `${reference.key} does not hold the bytes that the record names`,
    );
  }
  return bytes;
}

/** Little-endian on every platform that Node runs on today. */
function bytesOf(samples: Float32Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

/** Copied: the store's buffer need not be aligned to four bytes. */
function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}
