/** What the embed stage hands to the score stage, and what the feature topic keeps for re-scoring. */
import type { MediaModality, MediaProbe, Signals } from './extraction.ts';
import type { UploadIdentity, UploadText } from './upload.ts';

/** A fixed-length vector from one named graph of one bundle. */
export interface Embedding {
  /** Feature name of the bundle, `vision` or `audio.tags`, say. */
  readonly name: string;
  /** `<bundle>@<version>/<graph>#<first 12 hex digits of the graph's sha256>`. */
  readonly model: string;
  readonly values: Float32Array;
}

/** Identity of what made a record; it travels with the record. */
export interface Producer {
  /** `name@version`. */
  readonly bundle: string;
  readonly bundleDigest: string;
  readonly planDigest: string;
  readonly decoderBuild: string;
  readonly executionProvider: string;
}

/** Milliseconds per step; the keys are `<stage>` or `<stage>.<step>`. */
export type Timings = Readonly<Record<string, number>>;

export interface UploadFeatures extends UploadIdentity {
  /** Identity of the media bytes, as the object store states it. */
  readonly mediaEtag: string;
  /** After the production normaliser. */
  readonly text: UploadText;
  readonly probe: MediaProbe;
  readonly signals: Signals;
  readonly missing: readonly MediaModality[];
  readonly embeddings: readonly Embedding[];
  readonly producer: Producer;
  readonly timings: Timings;
}
