/**
 * The record between an extract stage and an embed stage: facts and signals in the record, bytes in the object store
 * (stored-parts.ts), for topologies whose steps run apart.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { ExtractedUpload, StoredParts } from '../../core/extracted-upload.ts';
import type { MediaModality } from '../../core/extraction.ts';
import type { DescribedUpload } from '../../core/upload.ts';
import type { ObjectStore } from '../object-store.ts';
import type { ExtractedMedia } from './extract-stage.ts';
import { getBytes, loadParts, putBytes, storeParts } from './stored-parts.ts';

export async function storeExtraction(
  store: ObjectStore,
  upload: DescribedUpload,
  { media, planDigest }: { readonly media: ExtractedMedia; readonly planDigest: string },
  signal?: AbortSignal,
): Promise<ExtractedUpload> {
  const { extraction, mediaEtag, decoderBuild, tookMs } = media;
  const { probe, signals } = extraction;
  const parts = media.stored ?? (await storeParts(store, extraction, signal));
  const { video, audio } = parts;
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
    video,
    audio,
    further: await storeFurther(store, parts, signal),
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
  const further = await loadFurther(store, stored, signal);
  const parts = await loadParts(store, { video, audio, ...further }, signal);
  return { mediaEtag, decoderBuild, tookMs: total, extraction: { probe, signals, timings, ...parts } };
}

type Further = Pick<StoredParts, 'views' | 'sounds'>;

/** Views and sounds differ from bundle to bundle: a document of their own, so that the record's schema need not follow. */
async function storeFurther(store: ObjectStore, { views, sounds }: StoredParts, signal?: AbortSignal) {
  if (Object.keys(views).length + Object.keys(sounds).length === 0) return null;
  return putBytes(store, new TextEncoder().encode(JSON.stringify({ views, sounds })), signal);
}

async function loadFurther(
  store: ObjectStore,
  { further }: ExtractedUpload,
  signal?: AbortSignal,
): Promise<Further> {
  if (further === null) return { views: {}, sounds: {} };
  // Its hash is right, so it is what `storeFurther` wrote, or what another version of it did.
  const document: unknown = JSON.parse(new TextDecoder().decode(await getBytes(store, further, signal)));
  if (document !== null && typeof document === 'object' && 'views' in document && 'sounds' in document)
    return document as Further;
  throw new FirstFiveError('ARTEFACT_MISSING', `${further.key} is no document of views and sounds`);
}
