/**
 * A head over several readings of the same text: n-grams, computed here, and scores that graphs computed before (a ridge and
 * trees over sentence vectors, say), added with a weight each. Specification: docs/specs/stacked-head.md.
 *
 * K1. Presence, standardisation, `rank` and `rho` are those of the text head (text-head.ts T1, T2).
 * K2. A graph's score is explained by occlusion: `<field>:<member>` is what is lost without that field. What the fields say only
 *     together is `interaction`; what the graph says of nothing belongs to the constant. All of it adds up to z.
 * K3. A present modality needs its features: an upload that was embedded without them is refused, not scored by halves.
 */
import { FirstFiveError } from '../errors.ts';
import type { Embedding } from '../features.ts';
import type { HeadContribution } from '../reasons.ts';
import type { UploadText } from '../upload.ts';
import { NgramScorer } from './ngram-scorer.ts';
import { rankOf } from './rank-table.ts';
import {
  memberKey,
  NGRAMS,
  type StackedHeadParameters,
  type StackMember,
} from './stacked-head-parameters.ts';
import type { PresentSet, TextModality } from './text-head-parameters.ts';

export interface StackedScore {
  readonly present: readonly TextModality[];
  readonly z: number;
  readonly rank: number;
  readonly rho: number;
  readonly contributions: readonly HeadContribution[];
  readonly interaction: number;
}

/** What is read of an upload's features. */
export interface StackInput {
  /** As `normaliseUploadText` leaves it. */
  readonly text: UploadText;
  readonly embeddings: readonly Pick<Embedding, 'name' | 'values'>[];
}

const NOTHING: StackedScore = { present: [], z: 0, rank: 0.5, rho: 0, contributions: [], interaction: 0 };

export class StackedHead {
  readonly #parameters: StackedHeadParameters;
  readonly #ngrams: NgramScorer;

  /** @throws FirstFiveError BUNDLE_INVALID where file and parameters do not fit. */
  constructor(file: Uint8Array, parameters: StackedHeadParameters) {
    this.#parameters = parameters;
    this.#ngrams = new NgramScorer(file, parameters.blocks);
  }

  /** `ARTEFACT_MISSING` when a feature that the head weighs is not there (K3). */
  score({ text, embeddings }: StackInput): StackedScore {
    const { present, parts } = this.#ngrams.score(text);
    if (present.length === 0) return NOTHING;
    const { coefficients, intercept, rho, rankTable } =
      this.#parameters.combine[present.join('+') as PresentSet];
    const contributions: HeadContribution[] = [];
    let z = intercept;
    let interaction = 0;
    for (const part of parts) {
      const value = (coefficients[memberKey({ modality: part.modality, name: NGRAMS })] ?? 0) * part.value;
      contributions.push({ feature: `${part.field}:${part.kind}`, value });
      z += value;
    }
    for (const member of this.#parameters.members) {
      if (!present.includes(member.modality)) continue;
      const weight = coefficients[memberKey(member)] ?? 0;
      const said = occlude(member, rowsOf(member, embeddings));
      for (const { feature, value } of said.contributions)
        contributions.push({ feature, value: weight * value });
      interaction += weight * said.interaction;
      z += weight * said.score;
    }
    return { present, z, rank: rankOf(z, rankTable), rho, contributions, interaction };
  }
}

/** `rows`: everything, all but each part in turn, nothing. */
function occlude({ name, parts }: StackMember, rows: Float32Array) {
  const score = rows[0] ?? 0;
  const contributions = parts.map((part, i) => ({
    feature: `${part}:${name}`,
    value: score - (rows[i + 1] ?? 0),
  }));
  let interaction = score - (rows[parts.length + 1] ?? 0);
  for (const one of contributions) interaction -= one.value;
  return { score, contributions, interaction };
}

function rowsOf(member: StackMember, embeddings: StackInput['embeddings']): Float32Array {
  const found = embeddings.find((one) => one.name === member.feature);
  if (found?.values.length === member.parts.length + 2) return found.values;
  const what = found === undefined ? 'is not among them' : `has ${found.values.length} values`;
  throw new FirstFiveError(
    'ARTEFACT_MISSING',
    `the head weighs the feature ${member.feature}, which ${what}: embed the upload with this bundle`,
    { stage: 'score' },
  );
}
