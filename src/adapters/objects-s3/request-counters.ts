/** Counts of requests and bytes, so that what an upload costs can be told from what it holds. */

export interface S3Stats {
  /** Requests sent, retries among them. */
  readonly requests: number;
  readonly failedRequests: number;
  readonly retries: number;
  /** Requests under way now. */
  readonly inFlight: number;
  /** Body bytes received, of failed requests too. */
  readonly bytesFetched: number;
  readonly bytesStored: number;
  /** Bytes that readers asked for, repeats included. */
  readonly bytesRead: number;
  /** Bytes that the block cache holds now. */
  readonly bytesCached: number;
}

export class RequestCounters {
  #requests = 0;
  #failed = 0;
  #retries = 0;
  #inFlight = 0;
  #fetched = 0;
  #stored = 0;
  #read = 0;

  started(): (outcome: 'ok' | 'failed') => void {
    this.#requests++;
    this.#inFlight++;
    return (outcome) => {
      this.#inFlight--;
      if (outcome === 'failed') this.#failed++;
    };
  }

  retried(): void {
    this.#retries++;
  }

  fetched(bytes: number): void {
    this.#fetched += bytes;
  }

  stored(bytes: number): void {
    this.#stored += bytes;
  }

  read(bytes: number): void {
    this.#read += bytes;
  }

  snapshot(bytesCached: number): S3Stats {
    return {
      requests: this.#requests,
      failedRequests: this.#failed,
      retries: this.#retries,
      inFlight: this.#inFlight,
      bytesFetched: this.#fetched,
      bytesStored: this.#stored,
      bytesRead: this.#read,
      bytesCached,
    };
  }
}
