/** The exposure ticket: how many impressions an upload is worth before its own ECR is known. docs/specs/prior.md. */
import type { StrongPrior } from './prior.ts';
import type { ExposureTicket } from './score.ts';

export interface TicketPolicy {
  /** Half-width wanted of the 90 % interval on the upload's own ECR. */
  readonly delta: number;
  readonly minImpressions: number;
  readonly maxImpressions: number;
  readonly ttlHours: number;
}

const Z_90 = 1.645;
const HOUR_MS = 3_600_000;

/**
 * impressions = clamp(ceil(m (1 - m) (1.645 / delta)^2 - s - 1), min, max): the posterior's variance m(1-m)/(s+n+1)
 * reaches (delta / 1.645)^2 after n exposures. breakEven = ceil(s). `scoredAt` in milliseconds since the epoch.
 */
export function exposureTicket(prior: StrongPrior, policy: TicketPolicy, scoredAt: number): ExposureTicket {
  const { ecr: mean, strength } = prior;
  const wanted = Math.ceil(mean * (1 - mean) * (Z_90 / policy.delta) ** 2 - strength - 1);
  return {
    impressions: Math.min(policy.maxImpressions, Math.max(policy.minImpressions, wanted)),
    breakEven: Math.ceil(strength),
    expiresAt: scoredAt + policy.ttlHours * HOUR_MS,
  };
}
