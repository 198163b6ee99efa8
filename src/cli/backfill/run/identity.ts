/** What makes the rows of a run. It is written down at the first start, and a resumed run must match it. */
import type { RunIdentity } from '../../../core/backfill-state.ts';
import { canonicalJson, planDigest, sha256Hex } from '../../../core/digest.ts';
import { FirstFiveError } from '../../../core/errors.ts';
import type { LoadedBundle } from '../../../stages/model-repository.ts';

export function identityOf(
  { bundle, decoderBuild }: { readonly bundle: LoadedBundle; readonly decoderBuild: string },
  startedAt: number,
): RunIdentity {
  const { extractionPlan, calibration, prior } = bundle.manifest;
  return {
    bundle: bundle.label,
    bundleDigest: bundle.digest,
    extractionPlanDigest: planDigest(extractionPlan),
    calibrationDigest: sha256Hex(canonicalJson({ calibration, prior })),
    decoderBuild,
    startedAt,
  };
}

/**
 * `CONFIG_INVALID`: one run has one bundle and one decoder. `--decoder auto` may find another one at the next start (a child
 * that does not start in time, another machine), and its rows would be other rows.
 */
export function requireSameIdentity(run: string, before: RunIdentity, now: RunIdentity): void {
  const differs = (
    ['bundle', 'bundleDigest', 'extractionPlanDigest', 'calibrationDigest', 'decoderBuild'] as const
  ).find((part) => before[part] !== now[part]);
  if (differs === undefined) return;
  throw new FirstFiveError(
    'CONFIG_INVALID',
    `run ${run} was begun with ${before.bundle} and ${before.decoderBuild}, and this is ${now.bundle} and ${now.decoderBuild} ` +
      `(${differs} differs): go on with the same bundle and --decoder, or plan a new run`,
  );
}
