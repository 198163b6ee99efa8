/**
 * Failures as the closed list's codes.
 *
 * | failure | media | artefacts |
 * |---|---|---|
 * | no such object | `MEDIA_NOT_FOUND` | `ARTEFACT_MISSING` |
 * | no such bucket, bad credentials, wrong region or configuration | `STORE_UNAVAILABLE` | `STORE_UNAVAILABLE` |
 * | 403 while the store is well | `MEDIA_FORBIDDEN` | `STORE_UNAVAILABLE`: the service must be able to use its own place |
 * | 403 that the whole store answers | `STORE_UNAVAILABLE` | `STORE_UNAVAILABLE` |
 * | all attempts failed while the store is well | `STORE_UNAVAILABLE`, retryable: it spends this record's budget | the same |
 * | all attempts failed, and the store does not answer either | `STORE_UNAVAILABLE` | `STORE_UNAVAILABLE` |
 * | other bytes than those pinned, or gone since | `MEDIA_CHANGED` | `MEDIA_CHANGED` |
 * | any other refusal (an archived object, a disabled key) | `MEDIA_FORBIDDEN` | `STORE_UNAVAILABLE` |
 */
import { FirstFiveError } from '../../core/errors.ts';
import { S3Failure } from './failure.ts';
import type { S3Location } from './locate.ts';
import type { StoreProbe } from './store-probe.ts';

export interface FailureContext {
  readonly location: S3Location;
  readonly probe: StoreProbe;
  readonly use: 'media' | 'artefact';
  readonly signal?: AbortSignal | undefined;
}

/** Aborts and errors that have their code already pass through. */
export async function toStoreFailure(thrown: unknown, context: FailureContext): Promise<unknown> {
  if (!(thrown instanceof S3Failure)) return thrown;
  const { location, probe, use, signal } = context;
  switch (thrown.kind) {
    case 'missing':
      return failed(use === 'media' ? 'MEDIA_NOT_FOUND' : 'ARTEFACT_MISSING', thrown, location);
    case 'precondition':
      return failed('MEDIA_CHANGED', thrown, location);
    case 'bucket-missing':
    case 'credentials':
    case 'unusable':
      return failed('STORE_UNAVAILABLE', thrown, location);
    case 'denied':
    case 'refused': {
      if (use === 'artefact') return failed('STORE_UNAVAILABLE', thrown, location);
      const fault = await probe.faultOf(location, signal);
      return failed(fault === 'object' ? 'MEDIA_FORBIDDEN' : 'STORE_UNAVAILABLE', thrown, location);
    }
    case 'transient':
    case 'conflict':
    case 'unsatisfiable': {
      const fault = await probe.faultOf(location, signal);
      const details = fault === 'object' ? { kind: 'retryable' as const } : {};
      return failed('STORE_UNAVAILABLE', thrown, location, details);
    }
    case 'defect':
      return failed('INTERNAL', thrown, location);
  }
}

export function changed(uri: string, why: string): FirstFiveError {
  return new FirstFiveError('MEDIA_CHANGED', `${uri} was changed while it was read: ${why}`);
}

function failed(
  code:
    | 'MEDIA_NOT_FOUND'
    | 'MEDIA_CHANGED'
    | 'MEDIA_FORBIDDEN'
    | 'ARTEFACT_MISSING'
    | 'STORE_UNAVAILABLE'
    | 'INTERNAL',
  failure: S3Failure,
  { bucket, key }: S3Location,
  details: { readonly kind?: 'retryable' } = {},
): FirstFiveError {
  return new FirstFiveError(code, `s3://${bucket}/${key}: ${failure.message}`, {
    ...details,
    cause: failure,
  });
}
