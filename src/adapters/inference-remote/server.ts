/**
 * One server of the Open Inference Protocol v2 over HTTP: Triton Inference Server, KServe, MLServer.
 *
 * S1. Every call is bounded: in time, in bytes of its answer, in calls under way at once; and stands behind a breaker.
 * S2. What the server's own state explains (not reachable, overloaded, stopping, failing every call) is systemic: no upload is
 *     blamed, intake pauses. What it says of one request is that request's: 4xx, and 500 while other calls succeed.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import { Slots } from '../../runtime/slots.ts';
import { type BreakerPolicy, CircuitBreaker } from './circuit-breaker.ts';
import { HEADER_LENGTH } from './tensor-wire.ts';

export interface ServerLimits {
  /** One call, from its beginning to the end of its answer. */
  readonly timeoutMs: number;
  readonly maxInFlight: number;
  readonly breaker: BreakerPolicy;
}

export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  timeoutMs: 10_000,
  maxInFlight: 16,
  breaker: { failures: 5, coolDownMs: 1_000 },
};

export interface Answer {
  readonly bytes: Uint8Array;
  /** Bytes of JSON before the binary tensors; `undefined` when all is JSON. */
  readonly headerLength: number | undefined;
}

export interface Question {
  /** Below the server's address, with its leading slash. */
  readonly path: string;
  readonly body?: { readonly bytes: Uint8Array<ArrayBuffer>; readonly headerLength: number };
  readonly maxAnswerBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** The server is there and says that it will not serve now. */
const BUSY: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

export class InferenceServer {
  readonly url: string;
  readonly #limits: ServerLimits;
  readonly #slots: Slots;
  readonly #breaker: CircuitBreaker;

  /** @param url `http(s)://HOST[:PORT]`, without a slash at its end */
  constructor(url: string, limits: ServerLimits, clock: Pick<Clock, 'now'>) {
    this.url = url;
    this.#limits = limits;
    this.#slots = new Slots(limits.maxInFlight);
    this.#breaker = new CircuitBreaker(limits.breaker, clock);
  }

  /** `GET` without a body, `POST` with one. Rejects with the signal's reason when aborted. */
  async ask(question: Question): Promise<Answer> {
    const late = AbortSignal.timeout(this.#limits.timeoutMs);
    const { signal } = question;
    const either = signal === undefined ? late : AbortSignal.any([signal, late]);
    try {
      return await this.#slots.run(() => this.#admitted(question, either), either);
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      if (thrown instanceof FirstFiveError) throw thrown;
      throw this.#unavailable(`did not answer in ${this.#limits.timeoutMs} ms`, thrown);
    }
  }

  async #admitted(question: Question, signal: AbortSignal): Promise<Answer> {
    if (!this.#breaker.admit()) throw this.#unavailable('fails every call; it is tried again in a moment');
    try {
      const answer = await this.#exchange(question, signal);
      this.#breaker.succeeded();
      return answer;
    } catch (thrown) {
      const error = this.#explained(thrown, question.signal);
      if (error === undefined) this.#breaker.abandoned();
      else if (error.refusal) this.#breaker.succeeded();
      else this.#breaker.failed();
      throw error?.cause ?? thrown;
    }
  }

  async #exchange({ path, body, maxAnswerBytes }: Question, signal: AbortSignal): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      redirect: 'error',
      signal,
      ...(body === undefined
        ? {}
        : {
            body: body.bytes,
            headers: {
              'content-type': 'application/octet-stream',
              [HEADER_LENGTH]: String(body.headerLength),
            },
          }),
    });
    const bytes = await boundedBody(response, maxAnswerBytes);
    if (!response.ok) throw new HttpFailure(response.status, excerpt(bytes));
    const headerLength = response.headers.get(HEADER_LENGTH);
    return { bytes, headerLength: headerLength === null ? undefined : Number(headerLength) };
  }

  /** `undefined` when the caller gave up. `refusal`: a healthy server refused this one request. */
  #explained(
    thrown: unknown,
    signal: AbortSignal | undefined,
  ): { readonly refusal: boolean; readonly cause: FirstFiveError } | undefined {
    if (signal?.aborted) return undefined;
    if (thrown instanceof FirstFiveError) return { refusal: true, cause: thrown };
    if (!(thrown instanceof HttpFailure)) {
      const timedOut = thrown instanceof DOMException && thrown.name === 'TimeoutError';
      const what = timedOut
        ? `did not answer in ${this.#limits.timeoutMs} ms`
        : `cannot be reached (${reason(thrown)})`;
      return { refusal: false, cause: this.#unavailable(what, thrown) };
    }
    const { status, text } = thrown;
    if (BUSY.has(status) || status === 401 || status === 403 || status === 404)
      return { refusal: false, cause: this.#unavailable(`answered ${status}: ${text}`, thrown) };
    const failed = new FirstFiveError(
      'INFERENCE_FAILED',
      `the inference server answered ${status}: ${text}`,
      { cause: thrown },
    );
    return { refusal: status < 500, cause: failed };
  }

  #unavailable(what: string, cause?: unknown): FirstFiveError {
    const details = { kind: 'systemic', ...(cause === undefined ? {} : { cause }) } as const;
    return new FirstFiveError('PROVIDER_UNAVAILABLE', `the inference server ${this.url} ${what}`, details);
  }
}

class HttpFailure extends Error {
  readonly status: number;
  readonly text: string;

  constructor(status: number, text: string) {
    super(`HTTP ${status}`);
    this.status = status;
    this.text = text;
  }
}

async function boundedBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxBytes) {
      throw new FirstFiveError(
        'INFERENCE_FAILED',
        `the inference server's answer is larger than ${maxBytes} bytes`,
      );
    }
    parts.push(part);
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, size);
}

/** What a server says of a failure, short enough for a log line. */
function excerpt(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(0, 400));
  return text.replace(/\s+/g, ' ').slice(0, 200) || 'no message';
}

/** `fetch` hides the reason behind "fetch failed". */
function reason(thrown: unknown): string {
  const { cause } = thrown as { cause?: unknown };
  const inner = cause instanceof Error ? cause : thrown;
  const { code } = inner as { code?: unknown };
  return typeof code === 'string' ? code : inner instanceof Error ? inner.message : String(inner);
}
