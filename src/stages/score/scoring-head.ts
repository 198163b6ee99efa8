/** What turns an upload's features into a standardised score; each kind of head in a bundle has one. */
import type { UploadFeatures } from '../../core/features.ts';
import type { HeadContribution } from '../../core/reasons.ts';
import { StackedHead } from '../../core/text/stacked-head.ts';
import { parseStackedHeadParameters } from '../../core/text/stacked-head-parameters.ts';
import { TextHead } from '../../core/text/text-head.ts';
import { parseTextHeadParameters } from '../../core/text/text-head-parameters.ts';
import type { LoadedBundle } from '../model-repository.ts';

export interface HeadScore {
  /** Weighted modalities that were there. */
  readonly present: readonly string[];
  /** Standardised score; a constant, the contributions and the interaction add up to it. */
  readonly z: number;
  /** Percentile of z, in [0, 1]; .5 when nothing with weight is present. */
  readonly rank: number;
  /** Cross-validated correlation of the set of modalities present; 0 when there is none. */
  readonly rho: number;
  readonly contributions: readonly HeadContribution[];
  /** Of a nonlinear head: what its features say only together. */
  readonly interaction?: number;
}

export interface ScoringHead {
  /** Synchronous and fast: re-scoring runs it for every stored upload. */
  score(features: Pick<UploadFeatures, 'text' | 'embeddings' | 'signals'>): HeadScore;
}

/** `BUNDLE_INVALID` when the head's file and its parameters do not fit. */
export async function openScoringHead(bundle: Pick<LoadedBundle, 'manifest' | 'read'>): Promise<ScoringHead> {
  const { head } = bundle.manifest;
  const file = await bundle.read(head.file);
  switch (head.kind) {
    case 'hashed-ngram-linear': {
      const text = new TextHead(file, parseTextHeadParameters(head));
      return { score: (features) => text.score(features.text) };
    }
    case 'stacked-text': {
      const stack = new StackedHead(file, parseStackedHeadParameters(head));
      return { score: (features) => stack.score(features) };
    }
  }
}
