/**
 * Requests to a registry that speaks Confluent's REST interface (API reference of Confluent Schema Registry 7; Karapace and
 * Apicurio's `/apis/ccompat/v7` speak it too).
 *
 * H1. Every request has a time-out and is tried again, with jitter, where another try may help: no connection, a time-out, 429
 *     and 5xx. All requests here may be sent twice: registering a schema again gives the same id.
 * H2. An answer that is no registry's (a proxy's page, a wrong path) is `REGISTRY_UNAVAILABLE`, never "unknown".
 * H3. No message holds credentials or more of an answer than its first line.
 */
import { FirstFiveError } from '../../core/errors.ts';
import { backoffMs } from '../../core/retry.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { RegistryCredentials } from './registry-credentials.ts';

export interface RegistryHttpOptions {
  /** Base URL, with its path, without a slash at the end. */
  readonly url: string;
  readonly credentials: RegistryCredentials;
  readonly clock: Clock;
  readonly random: () => number;
  /** Milliseconds that one try may take; 5,000 when absent. */
  readonly timeoutMs?: number;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}

/** A registry's own answer: its JSON, or the code and message of its error (40401, 40403, 409, ...). */
export type RegistryAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly status: number; readonly errorCode: number; readonly message: string };

const ACCEPT = 'application/vnd.schemaregistry.v1+json, application/json';
const TRIES = 3;
const BACKOFF = { initialBackoffMs: 200, maxBackoffMs: 2_000 };
const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export class RegistryHttp {
  readonly url: string;
  readonly #options: RegistryHttpOptions;

  constructor(options: RegistryHttpOptions) {
    this.url = options.url;
    this.#options = options;
  }

  /** Rejects with `REGISTRY_UNAVAILABLE`. */
  async request(request: RegistryRequest): Promise<RegistryAnswer> {
    const { clock, random } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#try(request);
      if (!(answer instanceof Failure)) return answer;
      if (!answer.mayPass || attempt === TRIES) throw this.#unavailable(answer);
      await sleep(clock, backoffMs(BACKOFF, attempt, random()));
    }
  }

  async #try(request: RegistryRequest): Promise<RegistryAnswer | Failure> {
    const authorization = await this.#options.credentials();
    try {
      const response = await fetch(`${this.url}${request.path}`, this.#init(request, authorization));
      return answerOf(response, await limitedText(response));
    } catch (thrown) {
      return new Failure(reasonOf(thrown), true, thrown);
    }
  }

  #init({ method, body }: RegistryRequest, authorization: string | undefined): RequestInit {
    const headers: Record<string, string> = { accept: ACCEPT };
    if (authorization !== undefined) headers.authorization = authorization;
    if (body !== undefined) headers['content-type'] = 'application/vnd.schemaregistry.v1+json';
    return {
      method,
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
  }

  #unavailable({ reason, cause }: Failure): FirstFiveError {
    return new FirstFiveError('REGISTRY_UNAVAILABLE', `the schema registry ${this.url}: ${reason}`, {
      cause,
    });
  }
}

class Failure {
  readonly reason: string;
  readonly mayPass: boolean;
  readonly cause: unknown;

  constructor(reason: string, mayPass: boolean, cause?: unknown) {
    this.reason = reason;
    this.mayPass = mayPass;
    this.cause = cause;
  }
}

function answerOf(response: Response, text: string): RegistryAnswer | Failure {
  const { status } = response;
  if (status === 401) return new Failure('it refuses the credentials (401)', false);
  if (status === 429 || status >= 500) return new Failure(`it answers ${status}`, true);
  const value = parsed(text);
  if (response.ok) {
    return value === undefined ? new Failure('its answer is no JSON', false) : { ok: true, value };
  }
  const { error_code: errorCode, message } = isObject(value) ? value : {};
  if (typeof errorCode !== 'number') {
    return new Failure(`${status}, and no registry's answer: is its path in the URL right?`, false); // H2
  }
  return { ok: false, status, errorCode, message: firstLine(message) };
}

async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) throw new RangeError(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstLine(message: unknown): string {
  return typeof message === 'string' ? (message.split('\n', 1)[0] ?? '').slice(0, 300) : 'no message';
}

/** `fetch` wraps the reason that people need. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === 'TimeoutError') return 'no answer in time';
  const { cause } = thrown;
  if (cause instanceof Error && 'code' in cause) return `no connection (${String(cause.code)})`;
  return cause instanceof Error ? `${thrown.message}: ${cause.message}` : thrown.message;
}
