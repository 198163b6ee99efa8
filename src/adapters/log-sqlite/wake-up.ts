/**
 * Wakes waiting readers: at once for commits of this process, and within `intervalMs` for those of others, which show as
 * a change of `PRAGMA data_version` (a look at shared memory, about a microsecond). Nothing ticks while nobody waits.
 *
 * A waiter reads `version` before it looks at the log, so that a commit in between is not missed.
 */
import type { Database } from './database.ts';

export class WakeUp {
  readonly #db: Database;
  readonly #intervalMs: number;
  readonly #waiting = new Set<() => void>();
  #ticker: NodeJS.Timeout | undefined;
  #seen = -1;
  #version = 0;

  constructor(db: Database, intervalMs: number) {
    this.#db = db;
    this.#intervalMs = intervalMs;
  }

  get version(): number {
    return this.#version;
  }

  announce(): void {
    this.#version++;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Resolves when something changed after `version` was read, after `maxWaitMs`, or when `signal` aborts. */
  changed(version: number, maxWaitMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#version !== version || maxWaitMs <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => wake(), maxWaitMs);
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        if (this.#waiting.size === 0) this.#stop();
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
      this.#ticker ??= setInterval(() => this.#look(), this.#intervalMs);
    });
  }

  close(): void {
    this.announce();
    this.#stop();
  }

  #look(): void {
    const seen = this.#dataVersion();
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.announce();
  }

  /** An unreadable file counts as a change: the waiter then meets the error itself, where it can be told. */
  #dataVersion(): number {
    try {
      const row = this.#db.statement('PRAGMA data_version').get() as unknown as [number];
      return row[0];
    } catch {
      return this.#seen - 1;
    }
  }

  #stop(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }
}
