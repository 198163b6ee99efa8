/**
 * The closed list of error codes and the one error class.
 *
 * E1. Every failure that leaves a stage, an adapter or a command is a `FirstFiveError`; its code is in `ERROR_CODES`.
 * E2. `terminal`: wrong with the record, never tried again. `retryable`: may pass later, spends the record's budget.
 *     `systemic`: wrong with the surroundings (store, broker, disk); pauses intake and spends no record's budget.
 *     `usage` and `config`: wrong with the command line or the configuration (exit 2 and 78).
 * E3. `INTERNAL` is a defect of ours. It spends the record's budget: one record that finds a bug must not stop the others.
 * E4. Messages are for people and never matched by code. They hold no title, description or other personal text.
 */

export type ErrorKind = 'terminal' | 'retryable' | 'systemic' | 'usage' | 'config';

/** Code to default kind. Kept in one place so that docs, dead letters and exit codes cannot disagree. */
export const ERROR_CODES = {
  RECORD_UNDECODABLE: 'terminal',
  SCHEMA_UNKNOWN: 'retryable',
  UPLOAD_INVALID: 'terminal',
  UPLOAD_SUPERSEDED: 'terminal',
  TEXT_NOT_UTF8: 'terminal',
  TEXT_TOO_LARGE: 'terminal',
  MEDIA_URI_INVALID: 'terminal',
  MEDIA_FORBIDDEN: 'terminal',
  MEDIA_NOT_FOUND: 'terminal',
  MEDIA_NOT_A_FILE: 'terminal',
  MEDIA_EMPTY: 'terminal',
  MEDIA_TOO_LARGE: 'terminal',
  MEDIA_CHANGED: 'retryable',
  MEDIA_UNSUPPORTED: 'terminal',
  MEDIA_REFERENCES: 'terminal',
  MEDIA_CORRUPT: 'terminal',
  MEDIA_ENCRYPTED: 'terminal',
  MEDIA_NO_STREAMS: 'terminal',
  MEDIA_NO_FRAMES: 'terminal',
  MEDIA_LIMIT: 'terminal',
  DECODE_TIMEOUT: 'retryable',
  DECODE_CRASHED: 'retryable',
  STEP_TIMEOUT: 'retryable',
  INFERENCE_FAILED: 'retryable',
  VALUE_NOT_FINITE: 'terminal',
  ARTEFACT_MISSING: 'terminal',
  RECORD_TOO_LARGE: 'terminal',
  STORE_UNAVAILABLE: 'systemic',
  LOG_UNAVAILABLE: 'systemic',
  LOG_ABORTED: 'systemic',
  LOG_FENCED: 'systemic',
  LOG_CLIENT_FAILED: 'systemic',
  REGISTRY_UNAVAILABLE: 'systemic',
  DECODER_UNAVAILABLE: 'systemic',
  PROVIDER_UNAVAILABLE: 'config',
  GROUP_IN_USE: 'config',
  TOPIC_NOT_FOUND: 'config',
  TOPIC_MISMATCH: 'config',
  OFFSET_OUT_OF_RANGE: 'config',
  SCHEMA_INCOMPATIBLE: 'config',
  BUNDLE_NOT_FOUND: 'config',
  BUNDLE_INVALID: 'config',
  TOPOLOGY_INVALID: 'config',
  CONFIG_INVALID: 'config',
  USAGE: 'usage',
  INTERNAL: 'retryable',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** Overrides the code's default kind, where the place knows better (a 404 that may still appear, say). */
  readonly kind?: ErrorKind;
  /** The stage in which it happened; filled in by the runtime when a stage leaves it out. */
  readonly stage?: string;
  readonly cause?: unknown;
}

export class FirstFiveError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly stage: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'FirstFiveError';
    this.code = code;
    this.kind = details.kind ?? ERROR_CODES[code];
    this.stage = details.stage;
  }

  withStage(stage: string): FirstFiveError {
    if (this.stage !== undefined) return this;
    return new FirstFiveError(this.code, this.message, { kind: this.kind, stage, cause: this.cause });
  }
}

/** Systemic, and yet not to be waited out: the process ends, and its supervisor starts another one. */
export function needsRestart(error: FirstFiveError): boolean {
  return error.code === 'LOG_FENCED' || error.code === 'LOG_CLIENT_FAILED';
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}

/** Anything thrown, as a `FirstFiveError`: what is not one already is a defect of ours and says so (`INTERNAL`). */
export function toFirstFiveError(thrown: unknown): FirstFiveError {
  if (thrown instanceof FirstFiveError) return thrown;
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new FirstFiveError('INTERNAL', message, { cause: thrown });
}
