/** Starts the watchdog of a decode child and tells it when an upload is under way. */
import { Worker } from 'node:worker_threads';
import type { DecodeLimits } from '../../core/extraction.ts';
import { siblingModule } from './sibling.ts';

/** A child that ends by this signal had outgrown its memory limit. Node leaves its default action (end) in place. */
export const MEMORY_SIGNAL = 'SIGUSR2';
const GRACE_MS = 2000;

export interface WatchdogData {
  /** Two float64: deadline on the monotonic clock in ms, greatest resident set in bytes; 0 = none. */
  readonly shared: SharedArrayBuffer;
}

export class Watchdog {
  readonly #limits: Float64Array;

  constructor() {
    const shared = new SharedArrayBuffer(16);
    this.#limits = new Float64Array(shared);
    const data: WatchdogData = { shared };
    const worker = new Worker(siblingModule('watchdog', import.meta.url), {
      workerData: data,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    worker.unref();
  }

  begin(limits: DecodeLimits): void {
    this.#limits[0] = Number(process.hrtime.bigint() / 1_000_000n) + limits.deadlineMs + GRACE_MS;
    this.#limits[1] = limits.maxMemoryBytes;
  }

  end(): void {
    this.#limits.fill(0);
  }
}
