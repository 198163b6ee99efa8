/**
 * Whether the cluster answers. The client reports only that all brokers are gone, so from then on it is asked until one
 * answers. A commit begun in an outage would only be aborted later.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FirstFiveError } from '../../core/errors.ts';
import { called } from './calls.ts';
import type { ClientBase } from './client.ts';
import { CODE } from './client-errors.ts';

const ASK_MS = 3_000;
const PAUSE_MS = 500;

export class Reachability {
  readonly #client: ClientBase;
  readonly #where: string;
  readonly #onRegained: () => void;
  #since: number | undefined;
  #closed = false;

  /** `onRegained` is called when a broker answers again after all of them were gone. */
  constructor(client: ClientBase, where: string, onRegained: () => void = () => {}) {
    this.#client = client;
    this.#where = where;
    this.#onRegained = onRegained;
    client.on('event.error', (error) => {
      if (error.code === CODE.ALL_BROKERS_DOWN) this.#lost();
    });
  }

  get isReachable(): boolean {
    return this.#since === undefined;
  }

  /** Throws `LOG_UNAVAILABLE` while no broker answers. */
  require(): void {
    if (this.#since === undefined) return;
    const seconds = Math.round((performance.now() - this.#since) / 1000);
    throw new FirstFiveError(
      'LOG_UNAVAILABLE',
      `no Kafka broker of ${this.#where} has answered for ${seconds} s`,
    );
  }

  close(): void {
    this.#closed = true;
  }

  #lost(): void {
    if (this.#since !== undefined || this.#closed) return;
    this.#since = performance.now();
    void this.#askUntilAnswered();
  }

  async #askUntilAnswered(): Promise<void> {
    while (!this.#closed) {
      await delay(PAUSE_MS, undefined, { ref: false });
      if (this.#closed || !this.#client.isConnected()) return;
      const answered = await called('getMetadata', ASK_MS * 2, (done) =>
        this.#client.getMetadata({ timeout: ASK_MS }, done),
      ).then(
        () => true,
        () => false,
      );
      if (!answered) continue;
      this.#since = undefined;
      this.#onRegained();
      return;
    }
  }
}
