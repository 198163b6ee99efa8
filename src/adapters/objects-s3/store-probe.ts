/**
 * Whose fault a failure is: one object's, or the whole store's.
 *
 * A 403, or a request that fails on every attempt, says nothing about that by itself. Blaming the record for a store that
 * is down would dead-letter a whole topic; blaming the store for one broken record would stop it. So the store is asked
 * about something else:
 *
 * 1. the object of the same bucket that was last read without trouble (the witness): as readable as ever, or not;
 * 2. where there is none, or it is gone, the bucket (`HeadBucket`, which needs `s3:ListBucket`).
 */
import { withinTime } from './bounded.ts';
import { type S3Failure, toFailure } from './failure.ts';
import type { S3Location } from './locate.ts';
import type { ResolvedS3Options } from './options.ts';
import type { S3Requests } from './requests.ts';

export type Fault = 'object' | 'store';

export class StoreProbe {
  readonly #requests: S3Requests;
  readonly #options: ResolvedS3Options;
  readonly #witnesses = new Map<string, string>();

  constructor(requests: S3Requests, options: ResolvedS3Options) {
    this.#requests = requests;
    this.#options = options;
  }

  /** Notes an object that could be read. */
  good({ bucket, key }: S3Location): void {
    this.#witnesses.set(bucket, key);
  }

  /** One or two requests without retries, within the time that one answer may take each. */
  async faultOf({ bucket, key }: S3Location, signal?: AbortSignal): Promise<Fault> {
    const witness = this.#witnesses.get(bucket);
    if (witness !== undefined && witness !== key) {
      const failure = await this.#ask(
        (inner) => this.#requests.head({ bucket, key: witness }, inner),
        signal,
      );
      if (failure === undefined) return 'object';
      if (failure.kind !== 'missing') return 'store';
    }
    const failure = await this.#ask((inner) => this.#requests.headBucket(bucket, inner), signal);
    return failure === undefined ? 'object' : 'store';
  }

  async #ask(
    question: (signal: AbortSignal) => Promise<unknown>,
    signal?: AbortSignal,
  ): Promise<S3Failure | undefined> {
    const { clock, limits } = this.#options;
    // The slot may have to be waited for, so the request's own limit is not enough.
    const limit = {
      clock,
      timeoutMs: limits.responseTimeoutMs,
      what: 'asking whether the store is well',
      signal,
    };
    try {
      await withinTime(limit, question);
      return undefined;
    } catch (thrown) {
      signal?.throwIfAborted();
      return toFailure(thrown);
    }
  }
}
