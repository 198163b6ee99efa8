/** The extract step: opens the media, pinned, and has its first seconds decoded. */
import { planDigest } from '../../core/digest.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { StoredParts } from '../../core/extracted-upload.ts';
import type { DecodeLimits, Extraction, ExtractionPlan } from '../../core/extraction.ts';
import type { ObjectStore, PinnedObject } from '../object-store.ts';
import type { Decoder } from './decoder.ts';
import type { ExtractionCache } from './extraction-cache.ts';

export interface ExtractStageOptions {
  readonly store: ObjectStore;
  readonly decoder: Decoder;
  readonly plan: ExtractionPlan;
  readonly limits: DecodeLimits;
  /** Where extractions are kept and looked up; absent: every upload is decoded. */
  readonly cache?: ExtractionCache;
  /** Milliseconds, monotonic; only differences count. */
  readonly now?: () => number;
}

export interface ExtractedMedia {
  readonly mediaEtag: string;
  readonly decoderBuild: string;
  readonly extraction: Extraction;
  /** Where its bytes are, when they are in the object store already. */
  readonly stored?: StoredParts;
  /** Wall milliseconds of the whole step. */
  readonly tookMs: number;
}

export interface ExtractStage {
  /** `MEDIA_*` and `DECODE_*` as the store and the decoder state them; the object is closed in every case. */
  extract(uri: string, signal?: AbortSignal): Promise<ExtractedMedia>;
}

/** For several bundles at once, a shadow beside the live one, say. */
export interface UnionExtractStage extends ExtractStage {
  /** One result per plan, in their order, from one decode of what the cache does not have. Fails as a whole. */
  extractFor(
    uri: string,
    plans: readonly ExtractionPlan[],
    signal?: AbortSignal,
  ): Promise<readonly ExtractedMedia[]>;
}

type Found = Pick<ExtractedMedia, 'extraction' | 'stored'>;

export function createExtractStage(options: ExtractStageOptions): UnionExtractStage {
  const { store, decoder, plan, limits, cache, now = () => performance.now() } = options;

  async function decoded(object: PinnedObject, plans: readonly ExtractionPlan[], signal?: AbortSignal) {
    if (plans.length > 1 && decoder.extractAll !== undefined)
      return decoder.extractAll({ object, plans, limits }, signal);
    const extractions: Extraction[] = [];
    for (const one of plans) extractions.push(await decoder.extract({ object, plan: one, limits }, signal));
    return extractions;
  }

  async function foundOrDecoded(
    object: PinnedObject,
    plans: readonly ExtractionPlan[],
    signal?: AbortSignal,
  ): Promise<readonly Found[]> {
    if (cache === undefined)
      return (await decoded(object, plans, signal)).map((extraction) => ({ extraction }));
    const { uri, etag, sizeBytes } = object;
    const identities = plans.map((one) => ({
      ...{ uri, etag, sizeBytes },
      planDigest: planDigest(one),
      decoderBuild: decoder.build,
    }));
    const found = await Promise.all(identities.map((identity) => cache.find(identity, signal)));
    const open = plans.flatMap((one, index) => (found[index] === undefined ? [{ one, index }] : []));
    const made = await decoded(
      object,
      open.map(({ one }) => one),
      signal,
    );
    const results: (Found | undefined)[] = [...found];
    for (const [at, { index }] of open.entries()) {
      const [identity, extraction] = [identities[index], made[at]];
      if (identity !== undefined && extraction !== undefined)
        results[index] = await cache.keep(identity, extraction, signal);
    }
    return results.filter((result) => result !== undefined);
  }

  async function extractFor(uri: string, plans: readonly ExtractionPlan[], signal?: AbortSignal) {
    const startedAt = now();
    const object = await store.open(uri, signal);
    try {
      const results = await foundOrDecoded(object, plans, signal);
      const shared = { mediaEtag: object.etag, decoderBuild: decoder.build, tookMs: now() - startedAt };
      return results.map((result): ExtractedMedia => ({ ...shared, ...result }));
    } finally {
      await object.close();
    }
  }

  return {
    extractFor,
    extract: async (uri, signal) => {
      const [media] = await extractFor(uri, [plan], signal);
      if (media === undefined) throw new FirstFiveError('INTERNAL', 'the decoder gave no extraction');
      return media;
    },
  };
}
