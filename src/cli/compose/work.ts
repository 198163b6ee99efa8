/**
 * What passes from step to step, and its form as a record: a stage reads the form that its first step takes and writes
 * those of the steps that have a topic.
 */
import type { Serdes } from '../../adapters/schemas/index.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { UploadFeatures } from '../../core/features.ts';
import type { ColdStartScore } from '../../core/score.ts';
import {
  type DescribedUpload,
  describeUpload,
  type UploadEvent,
  type UploadIdentity,
} from '../../core/upload.ts';
import type { Serde } from '../../runtime/serde.ts';
import type { Step } from '../../runtime/topology.ts';
import type { ExtractedMedia } from '../../stages/extract/extract-stage.ts';
import { loadExtraction, storeExtraction } from '../../stages/extract/stored-extraction.ts';
import type { ObjectStore } from '../../stages/object-store.ts';

export type Work =
  | { readonly done: 'nothing'; readonly event: UploadEvent }
  | { readonly done: 'extract'; readonly upload: DescribedUpload; readonly media: ExtractedMedia }
  | { readonly done: 'embed'; readonly features: UploadFeatures }
  | { readonly done: 'score'; readonly score: ColdStartScore };

export interface WorkCodec {
  /** The input of a stage whose first step is `step`. */
  read(step: Step, bytes: Uint8Array, signal: AbortSignal): Promise<Work>;
  /** Who the bytes are about, where that can be told; never throws. */
  identity(step: Step, bytes: Uint8Array): UploadIdentity | undefined;
  /** The record's value of what a step has done. */
  write(work: Exclude<Work, { done: 'nothing' }>, signal: AbortSignal): Promise<Uint8Array>;
}

export interface WorkCodecOptions {
  readonly serdes: Serdes;
  readonly store: ObjectStore;
  readonly planDigest: string;
}

export function workCodec({ serdes, store, planDigest }: WorkCodecOptions): WorkCodec {
  return {
    read: async (step, bytes, signal) => {
      switch (step) {
        case 'extract':
          return { done: 'nothing', event: await decoded(serdes.uploadCreated, bytes) };
        case 'embed': {
          const stored = await decoded(serdes.uploadExtracted, bytes);
          if (stored.planDigest !== planDigest) throw otherPlan(stored.planDigest, planDigest);
          return { done: 'extract', upload: stored, media: await loadExtraction(store, stored, signal) };
        }
        case 'score':
          return { done: 'embed', features: await decoded(serdes.uploadEmbedded, bytes) };
      }
    },
    identity: (step, bytes) => {
      if (step === 'extract') return serdes.uploadCreated.identity(bytes);
      try {
        return (step === 'embed' ? serdes.uploadExtracted : serdes.uploadEmbedded).deserialize(bytes);
      } catch {
        return undefined;
      }
    },
    write: async (work, signal) => {
      switch (work.done) {
        case 'extract': {
          const { upload, media } = work;
          return serdes.uploadExtracted.serialize(
            await storeExtraction(store, upload, { media, planDigest }, signal),
          );
        }
        case 'embed':
          return serdes.uploadEmbedded.serialize(work.features);
        case 'score':
          return serdes.coldStartScore.serialize(work.score);
      }
    },
  };
}

export function uploadOf(work: Work): UploadIdentity {
  switch (work.done) {
    case 'nothing':
      return describeUpload(work.event);
    case 'extract':
      return work.upload;
    case 'embed':
      return work.features;
    case 'score':
      return work.score;
  }
}

/** Waits for a schema only when the bytes name one that is not here yet. */
async function decoded<T>(serde: Serde<T>, bytes: Uint8Array): Promise<T> {
  await serde.prepare(bytes);
  return serde.deserialize(bytes);
}

function otherPlan(found: string, wanted: string): FirstFiveError {
  return new FirstFiveError(
    'ARTEFACT_MISSING',
    `extracted by plan ${found.slice(0, 12)}, but the bundle needs plan ${wanted.slice(0, 12)}: extract again`,
  );
}
