/**
 * Why a score is what it is: signed contributions on the logit scale.
 *
 * R1. The contributions, added in the order given, are logit(ecr) within 1e-9.
 * R2. `intercept` comes first and `calibration` last, also when one of them is 0.
 * R3. At most `topK` named contributions; the rest of a modality is folded into `<modality>:other`.
 * R4. A nonlinear head has one `interaction` more, before `calibration`.
 *
 * A linear head's contributions to z are scaled by the slope of logit(ecr) in z at the platform's mean. What the
 * straight line cannot say (the quantile map, the clamps, the bend of the logit) is `calibration`.
 */
import type { PriorAssumptions } from './prior.ts';
import type { Reason } from './score.ts';

/** What one feature adds to a head's standardised score z. The part before the first `:` is its modality. */
export interface HeadContribution {
  readonly feature: string;
  readonly value: number;
}

export interface ReasonInput {
  readonly ecr: number;
  readonly rho: number;
  readonly assumptions: PriorAssumptions;
  /** The head's z; `contributions` and an unnamed constant add up to it. */
  readonly z: number;
  readonly contributions: readonly HeadContribution[];
  /** Of a nonlinear head: what its features say only together, a part of z. */
  readonly interaction?: number | undefined;
  readonly topK: number;
}

export const DEFAULT_TOP_REASONS = 6;

export function logit(p: number): number {
  return Math.log(p) - Math.log1p(-p);
}

/** d logit(m) / dz at z = 0, for m = mbar + rho tau z. */
export function logitSlope(rho: number, { meanEcr, spread }: PriorAssumptions): number {
  return (rho * spread) / (meanEcr * (1 - meanEcr));
}

export function explainScore(input: ReasonInput): readonly Reason[] {
  const { assumptions, contributions } = input;
  const slope = logitSlope(input.rho, assumptions);
  let named = 0;
  for (const one of contributions) named += one.value;
  const { interaction } = input;
  const intercept = logit(assumptions.meanEcr) + slope * (input.z - named - (interaction ?? 0));
  const reasons: Reason[] = [{ feature: 'intercept', contribution: intercept }];
  if (slope !== 0) {
    for (const one of foldContributions(contributions, input.topK)) {
      reasons.push({ feature: one.feature, contribution: slope * one.value });
    }
    if (interaction !== undefined)
      reasons.push({ feature: 'interaction', contribution: slope * interaction });
  }
  let sum = 0;
  for (const reason of reasons) sum += reason.contribution;
  reasons.push({ feature: 'calibration', contribution: logit(input.ecr) - sum });
  return reasons;
}

/** The `topK` largest by size, largest first, then one `<modality>:other` for each modality with a rest. */
export function foldContributions(
  contributions: readonly HeadContribution[],
  topK: number,
): readonly HeadContribution[] {
  const top: HeadContribution[] = [];
  const rest = new Map<string, number>();
  for (const one of contributions) {
    if (one.value === 0) continue;
    const dropped = insertBySize(top, one, topK);
    if (dropped === undefined) continue;
    const modality = modalityOf(dropped.feature);
    rest.set(modality, (rest.get(modality) ?? 0) + dropped.value);
  }
  for (const [modality, value] of rest) top.push({ feature: `${modality}:other`, value });
  return top;
}

/** Keeps `top` sorted by falling size and at most `limit` long; returns what does not fit. Linear in `limit`. */
function insertBySize(
  top: HeadContribution[],
  one: HeadContribution,
  limit: number,
): HeadContribution | undefined {
  const size = Math.abs(one.value);
  let at = top.length;
  while (at > 0 && Math.abs(top[at - 1]?.value ?? 0) < size) at--;
  if (at >= limit) return one;
  top.splice(at, 0, one);
  return top.length > limit ? top.pop() : undefined;
}

function modalityOf(feature: string): string {
  const colon = feature.indexOf(':');
  return colon < 0 ? feature : feature.slice(0, colon);
}
