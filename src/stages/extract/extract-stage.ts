/** The extract step: opens the media, pinned, and has its first seconds decoded. */
import type { DecodeLimits, Extraction, ExtractionPlan } from '../../core/extraction.ts';
import type { ObjectStore } from '../object-store.ts';
import type { Decoder } from './decoder.ts';

export interface ExtractStageOptions {
  readonly store: ObjectStore;
  readonly decoder: Decoder;
  readonly plan: ExtractionPlan;
  readonly limits: DecodeLimits;
  /** Milliseconds, monotonic; only differences count. */
  readonly now?: () => number;
}

export interface ExtractedMedia {
  readonly mediaEtag: string;
  readonly decoderBuild: string;
  readonly extraction: Extraction;
  /** Wall milliseconds of the whole step. */
  readonly tookMs: number;
}

export interface ExtractStage {
  /** `MEDIA_*` and `DECODE_*` as the store and the decoder state them; the object is closed in every case. */
  extract(uri: string, signal?: AbortSignal): Promise<ExtractedMedia>;
}

export function createExtractStage(options: ExtractStageOptions): ExtractStage {
  const { store, decoder, plan, limits, now = () => performance.now() } = options;
  return {
    extract: async (uri, signal) => {
      const startedAt = now();
      const object = await store.open(uri, signal);
      try {
        const extraction = await decoder.extract({ object, plan, limits }, signal);
        return { mediaEtag: object.etag, decoderBuild: decoder.build, extraction, tookMs: now() - startedAt };
      } finally {
        await object.close();
      }
    },
  };
}
