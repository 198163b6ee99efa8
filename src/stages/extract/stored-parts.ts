/**
 * The bytes of an extraction as claim checks in the object store.
 *
 * S1. Artefacts are written before what points to them, under the hash of their bytes: a replay writes the same keys again and
 *     changes nothing; what a crash leaves behind is an orphan, not a dangling reference.
 * S2. What is loaded has the stated size and hash, or it is refused with `ARTEFACT_MISSING`.
 */
import { type ArtefactRef, claimCheck } from '../../core/claim-check.ts';
import { sha256Hex } from '../../core/digest.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { StoredAudio, StoredParts, StoredVideo, StoredView } from '../../core/extracted-upload.ts';
import type { ExtractedAudio, ExtractedVideo, ExtractedView, Extraction } from '../../core/extraction.ts';
import type { ObjectStore } from '../object-store.ts';

export type ExtractedParts = Pick<Extraction, 'video' | 'audio' | 'views' | 'sounds'>;

export async function storeParts(
  store: ObjectStore,
  { video, audio, views, sounds }: ExtractedParts,
  signal?: AbortSignal,
): Promise<StoredParts> {
  const put = (values: Uint8Array | Float32Array) => putBytes(store, bytesOf(values), signal);
  const sound = async ({ sampleRate, samples }: ExtractedAudio): Promise<StoredAudio> => ({
    sampleRate,
    samples: await put(samples),
  });
  const picture = async ({ pixels, ...rest }: ExtractedVideo): Promise<StoredVideo> => ({
    ...rest,
    pixels: await put(pixels),
  });
  const view = async ({ dims, frames, type, data }: ExtractedView): Promise<StoredView> => ({
    dims,
    frames,
    type,
    data: await put(data),
  });
  const [storedVideo, storedAudio, storedViews, storedSounds] = await Promise.all([
    video === null ? null : picture(video),
    audio === null ? null : sound(audio),
    mapped(views, view),
    mapped(sounds, sound),
  ]);
  return { video: storedVideo, audio: storedAudio, views: storedViews, sounds: storedSounds };
}

export async function loadParts(
  store: ObjectStore,
  { video, audio, views, sounds }: StoredParts,
  signal?: AbortSignal,
): Promise<ExtractedParts> {
  const get = (reference: ArtefactRef) => getBytes(store, reference, signal);
  const sound = async ({ sampleRate, samples }: StoredAudio): Promise<ExtractedAudio> => ({
    sampleRate,
    samples: floatsOf(await get(samples)),
  });
  const view = async ({ dims, frames, type, data }: StoredView): Promise<ExtractedView> => {
    const bytes = await get(data);
    return type === 'uint8'
      ? { dims, frames, type, data: bytes }
      : { dims, frames, type, data: floatsOf(bytes) };
  };
  const [loadedVideo, loadedAudio, loadedViews, loadedSounds] = await Promise.all([
    video === null ? null : get(video.pixels).then((pixels) => ({ ...video, pixels })),
    audio === null ? null : sound(audio),
    mapped(views, view),
    mapped(sounds, sound),
  ]);
  return {
    video: loadedVideo,
    audio: loadedAudio,
    ...(Object.keys(loadedViews).length === 0 ? {} : { views: loadedViews }),
    ...(Object.keys(loadedSounds).length === 0 ? {} : { sounds: loadedSounds }),
  };
}

export async function putBytes(
  store: ObjectStore,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<ArtefactRef> {
  const reference = claimCheck(bytes);
  await store.putIfAbsent(reference.key, bytes, signal);
  return reference;
}

export async function getBytes(
  store: ObjectStore,
  reference: ArtefactRef,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = await store.get(reference.key, signal);
  if (bytes.byteLength !== reference.sizeBytes || sha256Hex(bytes) !== reference.sha256) {
    throw new FirstFiveError(
      'ARTEFACT_MISSING',
      `${reference.key} does not hold the bytes that it is named after`,
    );
  }
  return bytes;
}

async function mapped<T, R>(
  named: Readonly<Record<string, T>> | undefined,
  make: (value: T) => Promise<R>,
): Promise<Readonly<Record<string, R>>> {
  const entries = Object.entries(named ?? {}).map(
    async ([name, value]) => [name, await make(value)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** Little-endian on every platform that Node runs on today. */
function bytesOf(values: Uint8Array | Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Copied: the store's buffer need not be aligned to four bytes. */
function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}
