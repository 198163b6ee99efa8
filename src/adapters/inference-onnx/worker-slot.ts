/**
 * One inference worker thread from start to end: starting -> idle <-> busy -> ended.
 *
 * S1. A job ends exactly once: with the worker's reply, or with `INFERENCE_FAILED` when the worker ends or is too slow.
 * S2. `onEnded` is called once, when the worker is of no more use: it died, it refused to start, or it was given up.
 * S3. A run cannot be cancelled inside ONNX Runtime, and a thread cannot be killed while it is inside (protocol W4): a
 *     worker that is too slow is given up as a whole, and its thread ends itself when the native call returns.
 */
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { FirstFiveError } from '../../core/errors.ts';
import type { NamedTensors } from '../../stages/embed/inference.ts';
import { NativeGate } from './native-gate.ts';
import { refuseTelemetry } from './no-telemetry.ts';
import {
  type RunRequest,
  transferList,
  type WorkerReply,
  type WorkerRequest,
  type WorkerSetup,
  type WorkerStart,
} from './protocol.ts';

/** Starts a worker thread; tests hold on to what it returns in order to kill it. */
export type SpawnWorker = (start: WorkerStart) => Worker;

export function spawnWorker(start: WorkerStart): Worker {
  refuseTelemetry();
  // The same code runs from src/*.ts (Node strips the types) and from dist/*.js.
  const extension = extname(fileURLToPath(import.meta.url));
  const entry = new URL(`./worker-entry${extension}`, import.meta.url);
  return new Worker(entry, { workerData: start, execArgv: [], env: {}, name: 'inference' });
}

export interface SlotOptions {
  readonly setup: WorkerSetup;
  readonly spawn: SpawnWorker;
  /** Longest run of one batch; over it the worker is given up. */
  readonly runTimeoutMs: number;
  readonly onIdle: (slot: WorkerSlot) => void;
  readonly onEnded: (slot: WorkerSlot, reason: FirstFiveError) => void;
  /** The thread itself is gone; may come long after `onEnded` (S3). */
  readonly onExit: (slot: WorkerSlot) => void;
}

export interface Job {
  readonly request: RunRequest;
  settle(result: NamedTensors | FirstFiveError): void;
}

/** How long an end waits for a native call to return. */
const EXIT_WAIT_MS = 15_000;

type Phase = 'starting' | 'idle' | 'busy' | 'ended';

export class WorkerSlot {
  readonly #options: SlotOptions;
  readonly #worker: Worker;
  readonly #gate = new NativeGate();
  #phase: Phase = 'starting';
  #job: Job | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastError: unknown;

  constructor(options: SlotOptions) {
    this.#options = options;
    this.#worker = options.spawn({ setup: options.setup, gate: this.#gate.buffer });
    this.#worker.on('message', (reply: WorkerReply) => this.#onReply(reply));
    this.#worker.on('error', (error) => {
      this.#lastError = error;
    });
    this.#worker.on('exit', (code) => {
      this.#end(crashed(code, this.#lastError));
      options.onExit(this);
    });
  }

  get idle(): boolean {
    return this.#phase === 'idle';
  }

  /** Only when idle. */
  take(job: Job): void {
    this.#phase = 'busy';
    this.#job = job;
    this.#timer = setTimeout(() => this.#giveUp(), this.#options.runTimeoutMs);
    this.#worker.postMessage(job.request, transferList(job.request.inputs));
  }

  /** Blocks until the thread is outside of native code, for when the process ends without `end`. */
  holdOff(maxWaitMs: number): void {
    this.#gate.shut(maxWaitMs);
  }

  /** The job under way fails with `reason` at once; resolves when the thread has ended, or after a bounded wait (S3). */
  async end(reason: FirstFiveError): Promise<void> {
    this.#end(reason);
    if (this.#worker.threadId === -1) return;
    this.#worker.postMessage({ kind: 'close' } satisfies WorkerRequest);
    await once(this.#worker, 'exit', { signal: AbortSignal.timeout(EXIT_WAIT_MS) }).catch(() =>
      this.#worker.unref(),
    );
  }

  #onReply(reply: WorkerReply): void {
    if (this.#phase === 'ended') return;
    switch (reply.kind) {
      case 'ready':
        this.#becomeIdle();
        return;
      case 'refused':
        void this.end(new FirstFiveError('BUNDLE_INVALID', reply.message));
        return;
      case 'done':
        this.#finish(reply.outputs);
        return;
      case 'failed':
        this.#finish(new FirstFiveError('INFERENCE_FAILED', reply.message, { stage: 'embed' }));
        return;
    }
  }

  #finish(result: NamedTensors | FirstFiveError): void {
    clearTimeout(this.#timer);
    const job = this.#job;
    this.#job = undefined;
    job?.settle(result);
    this.#becomeIdle();
  }

  #becomeIdle(): void {
    this.#phase = 'idle';
    this.#options.onIdle(this);
  }

  #giveUp(): void {
    const { runTimeoutMs } = this.#options;
    const message = `a batch took longer than ${runTimeoutMs} ms; its worker was given up`;
    void this.end(new FirstFiveError('INFERENCE_FAILED', message, { stage: 'embed' }));
  }

  #end(reason: FirstFiveError): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    clearTimeout(this.#timer);
    this.#job?.settle(reason);
    this.#job = undefined;
    this.#options.onEnded(this, reason);
  }
}

function crashed(code: number, cause: unknown): FirstFiveError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new FirstFiveError('INFERENCE_FAILED', `an inference worker ended with exit code ${code}${why}`, {
    stage: 'embed',
    cause,
  });
}
