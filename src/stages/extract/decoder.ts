/** Port: the decoder. Adapters: `media-libav` (node-av in a supervised child), `media-ffmpeg` (the ffmpeg command). */
import type { DecodeLimits, Extraction, ExtractionPlan } from '../../core/extraction.ts';
import type { PinnedObject } from '../object-store.ts';

export interface DecodeRequest {
  readonly object: PinnedObject;
  readonly plan: ExtractionPlan;
  readonly limits: DecodeLimits;
}

/** One upload for several bundles at once. */
export interface UnionRequest {
  readonly object: PinnedObject;
  /** At least one. */
  readonly plans: readonly ExtractionPlan[];
  /** For opening pictures and sound; plans that ask for more get more (`limitsFor` of core/plan/union.ts). */
  readonly limits: DecodeLimits;
}

export interface Decoder {
  /** Identity of the code that decodes, `libav/8.1.1 node-av/6.1.1 linux-x64`, say; part of every plan digest. */
  readonly build: string;
  /**
   * Decodes in another process. Terminal errors are `MEDIA_*`; `DECODE_CRASHED` and `DECODE_TIMEOUT` mean that the
   * child died or was killed while it held this upload. Never throws for one upload because of another.
   */
  extract(request: DecodeRequest, signal?: AbortSignal): Promise<Extraction>;
  /**
   * One extraction per plan, in their order; each is what `extract` gives for that plan alone. All fail together: the error
   * is about the upload. Absent in a decoder that would have to decode once per plan.
   */
  extractAll?(request: UnionRequest, signal?: AbortSignal): Promise<readonly Extraction[]>;
  /** Ends the children. Requests under way fail with `DECODER_UNAVAILABLE`. */
  close(): Promise<void>;
}
