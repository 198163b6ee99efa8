/**
 * A fixed number of slots, each with one living decode child, and one queue before them.
 *
 * R1. A slot takes the next job only with a child that is ready; a child that died is replaced before its next job.
 * R2. When no slot can start a child, waiting jobs fail with `DECODER_UNAVAILABLE` (systemic: no record is to blame), and
 *     starts are tried again at growing intervals for as long as the pool is open.
 * R3. After `close` no child is left: every start under way is waited for and ended.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FirstFiveError } from '../../core/errors.ts';
import { type Decoded, type Job, NotTaken } from './child-messages.ts';
import { type ChildOptions, SupervisedChild } from './supervised-child.ts';

export interface PoolOptions extends ChildOptions {
  readonly children: number;
  readonly recycleAfterUploads: number;
  readonly recycleAfterGrowthBytes: number;
  readonly recycleAfterBusyMs: number;
}

interface Waiting {
  readonly job: Job;
  readonly signal: AbortSignal | undefined;
  readonly settle: PromiseWithResolvers<Decoded>;
  /** How many children died before they took it. */
  passed: number;
}

const MAX_PASSED = 3;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;

export class ChildPool {
  readonly #options: PoolOptions;
  readonly #queue: Waiting[] = [];
  readonly #idle: ((job: Waiting | undefined) => void)[] = [];
  readonly #children = new Set<SupervisedChild>();
  readonly #closing = new AbortController();
  #slots: Promise<void>[] = [];
  #failing = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Starts every slot; resolves with the build of the first child, rejects when the first start fails. */
  async start(): Promise<string> {
    const { child, build } = await SupervisedChild.start(this.#options);
    this.#slots = Array.from({ length: Math.max(1, this.#options.children) }, (_, index) =>
      this.#serve(index === 0 ? child : undefined),
    );
    return build;
  }

  async run(job: Job, signal?: AbortSignal): Promise<Decoded> {
    signal?.throwIfAborted();
    if (this.#closing.signal.aborted) throw closed();
    const waiting: Waiting = { job, signal, settle: Promise.withResolvers<Decoded>(), passed: 0 };
    const idle = this.#idle.shift();
    if (idle !== undefined) idle(waiting);
    else this.#queue.push(waiting);
    const leave = () => this.#leaveQueue(waiting, signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await waiting.settle.promise;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  pids(): readonly number[] {
    return [...this.#children]
      .filter(({ alive }) => alive)
      .flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const waiting of this.#queue.splice(0)) waiting.settle.reject(closed());
    for (const idle of this.#idle.splice(0)) idle(undefined);
    await Promise.all([...this.#children].map((child) => child.end(closed())));
    await Promise.all(this.#slots);
  }

  /** The life of one slot: a child, its jobs, the next child. */
  async #serve(first: SupervisedChild | undefined): Promise<void> {
    let child = first;
    if (child !== undefined) this.#children.add(child);
    while (!this.#closing.signal.aborted) {
      child ??= await this.#startChild();
      if (child === undefined) continue;
      const waiting = await this.#next();
      if (waiting === undefined) break;
      await this.#give(waiting, child);
      if (!child.alive || this.#isSpent(child)) {
        await this.#retire(child);
        child = undefined;
      }
    }
    if (child !== undefined) await this.#retire(child);
  }

  /** One job on one child. A child that died before it took the job is nobody's fault: the next child gets it. */
  async #give(waiting: Waiting, child: SupervisedChild): Promise<void> {
    try {
      waiting.settle.resolve(await child.run(waiting.job, waiting.signal));
    } catch (error) {
      if (error instanceof NotTaken && waiting.passed < MAX_PASSED) this.#putBack(waiting);
      else waiting.settle.reject(error instanceof NotTaken ? error.cause : error);
    }
  }

  async #startChild(): Promise<SupervisedChild | undefined> {
    try {
      const { child } = await SupervisedChild.start(this.#options);
      this.#children.add(child);
      this.#failing = 0;
      return child;
    } catch (error) {
      this.#failing++;
      if (this.#failing >= this.#slots.length) {
        for (const waiting of this.#queue.splice(0)) waiting.settle.reject(error);
      }
      const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(10, this.#failing));
      await delay(wait, undefined, { ref: false, signal: this.#closing.signal }).catch(() => {});
      return undefined;
    }
  }

  #next(): Promise<Waiting | undefined> {
    // Its child may have started while `close` was waking the idle ones: nobody would wake this slot.
    if (this.#closing.signal.aborted) return Promise.resolve(undefined);
    const waiting = this.#queue.shift();
    if (waiting !== undefined) return Promise.resolve(waiting);
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #putBack(waiting: Waiting): void {
    waiting.passed++;
    if (this.#closing.signal.aborted) {
      waiting.settle.reject(closed());
      return;
    }
    const idle = this.#idle.shift();
    if (idle !== undefined) idle(waiting);
    else this.#queue.unshift(waiting);
  }

  #leaveQueue(waiting: Waiting, reason: unknown): void {
    const at = this.#queue.indexOf(waiting);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    waiting.settle.reject(reason);
  }

  #isSpent(child: SupervisedChild): boolean {
    const { recycleAfterUploads, recycleAfterGrowthBytes, recycleAfterBusyMs } = this.#options;
    return (
      child.uploads >= recycleAfterUploads ||
      child.busyMs >= recycleAfterBusyMs ||
      child.rssBytes - child.freshRssBytes > recycleAfterGrowthBytes
    );
  }

  async #retire(child: SupervisedChild): Promise<void> {
    await child.end(closed());
    this.#children.delete(child);
  }
}

function closed(): FirstFiveError {
  return new FirstFiveError('DECODER_UNAVAILABLE', 'the decoder is closed');
}
