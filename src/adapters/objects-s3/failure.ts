/**
 * What went wrong with one request, by status and error code alone (never by message).
 *
 * Sources: Amazon S3 API reference, "Error responses"; HEAD answers have no body, so their 403 and 404 carry no code.
 */

export type FailureKind =
  /** 5xx, 429, time-outs, resets, short bodies, a clock that the SDK has just corrected: worth another attempt. */
  | 'transient'
  /** No such object. */
  | 'missing'
  | 'bucket-missing'
  /** 403 of an authenticated request: about one object or about the whole store, which only a probe can tell. */
  | 'denied'
  /** No credentials, or the server does not accept them. */
  | 'credentials'
  /** 412: `If-Match` or `If-None-Match` did not hold. */
  | 'precondition'
  /** 409 of a conditional write that met another one: worth another attempt. */
  | 'conflict'
  /** 416. */
  | 'unsatisfiable'
  /** Wrong region, something not implemented, an answer that no S3 server gives: wrong with the configuration. */
  | 'unusable'
  /** Any other 4xx. */
  | 'refused'
  /** Thrown by code, not by a network or a server. */
  | 'defect';

export class S3Failure extends Error {
  readonly kind: FailureKind;
  readonly retryAfterMs: number | undefined;

  constructor(kind: FailureKind, message: string, details: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, { cause: details.cause });
    this.name = 'S3Failure';
    this.kind = kind;
    this.retryAfterMs = details.retryAfterMs;
  }
}

const BY_CODE: Readonly<Record<string, FailureKind>> = {
  RequestTimeout: 'transient',
  SlowDown: 'transient',
  // The SDK corrects its clock by the answer's Date header, so the next attempt is signed with the right time.
  RequestTimeTooSkewed: 'transient',
  NoSuchBucket: 'bucket-missing',
  NoSuchKey: 'missing',
  NoSuchVersion: 'missing',
  MethodNotAllowed: 'missing',
  InvalidAccessKeyId: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  ExpiredToken: 'credentials',
  InvalidToken: 'credentials',
  TokenRefreshRequired: 'credentials',
  InvalidSecurity: 'credentials',
  NotSignedUp: 'credentials',
  AccountProblem: 'credentials',
  CredentialsProviderError: 'credentials',
  TokenProviderError: 'credentials',
  PreconditionFailed: 'precondition',
  ConditionalRequestConflict: 'conflict',
  OperationAborted: 'conflict',
  InvalidRange: 'unsatisfiable',
  InvalidObjectState: 'refused',
  PermanentRedirect: 'unusable',
  TemporaryRedirect: 'unusable',
  AuthorizationHeaderMalformed: 'unusable',
  IllegalLocationConstraintException: 'unusable',
  NotImplemented: 'unusable',
};

const BY_STATUS: Readonly<Record<number, FailureKind>> = {
  301: 'unusable',
  307: 'unusable',
  401: 'credentials',
  403: 'denied',
  404: 'missing',
  408: 'transient',
  409: 'conflict',
  412: 'precondition',
  416: 'unsatisfiable',
  429: 'transient',
  501: 'unusable',
};

/** Errors of the SDK's HTTP handler that have neither a status nor a code of the operating system. */
const LOST_REQUESTS: ReadonlySet<string> = new Set(['TimeoutError', 'AbortError']);

export function toFailure(thrown: unknown): S3Failure {
  if (thrown instanceof S3Failure) return thrown;
  const { name, status, retryAfterMs, hasCode } = facts(thrown);
  const local = status === undefined && !hasCode && !LOST_REQUESTS.has(name);
  const kind = BY_CODE[name] ?? (local ? 'defect' : kindOfStatus(status));
  const what = status === undefined ? name : `${status} ${name}`;
  return new S3Failure(kind, what, {
    cause: thrown,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** An error without a status never reached a server, or lost it on the way. */
function kindOfStatus(status: number | undefined): FailureKind {
  if (status === undefined || status < 300) return 'transient';
  return BY_STATUS[status] ?? (status >= 500 ? 'transient' : 'refused');
}

interface Facts {
  readonly name: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly hasCode: boolean;
}

function facts(thrown: unknown): Facts {
  const error = record(thrown);
  const code = error.code;
  const status = record(error.$metadata).httpStatusCode;
  const retryAfter = record(record(error.$response).headers)['retry-after'];
  const seconds =
    typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  return {
    name: typeof code === 'string' ? code : thrown instanceof Error ? thrown.name : 'error',
    status: typeof status === 'number' ? status : undefined,
    retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
    hasCode: typeof code === 'string',
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
