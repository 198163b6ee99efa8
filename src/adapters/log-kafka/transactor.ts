/**
 * One transactional producer: runs a unit of work in a transaction, and says what became of it.
 *
 * T1. After `transact` there is no open transaction: it was committed, aborted, or the producer is finished (`LOG_FENCED`).
 * T2. Commit and abort run with the client's own time limit (what is left of the transaction): a shorter one would leave
 *     its state unknown. Our watchdog is for calls that never come back; it ends the producer.
 * T3. Offsets are sent while the consumer is connected, and only next offsets of partitions that advanced.
 */
import { FirstFiveError } from '../../core/errors.ts';
import type { OutputRecord } from '../../core/record.ts';
import type { PartitionOffset } from '../../runtime/log.ts';
import { called } from './calls.ts';
import type { ClientConsumer, ClientProducer, Done } from './client.ts';
import {
  CODE,
  fencedError,
  fenceReason,
  isClientError,
  isFenced,
  isRefused,
  toLogError,
} from './client-errors.ts';
import { produceAll } from './producing.ts';

export interface TransactionWork {
  readonly outputs: readonly OutputRecord[];
  readonly offsets: readonly PartitionOffset[];
  /** Whose group the offsets belong to; absent for appends outside any group. */
  readonly consumer?: ClientConsumer;
  /** Throws when the work must not be committed any more; asked right before the commit. */
  readonly stillValid?: () => void;
  readonly opaque?: (index: number) => unknown;
}

export interface TransactorOptions {
  readonly producer: ClientProducer;
  /** Names the producer in errors: a slot, say. */
  readonly name: string;
  readonly transactionTimeoutMs: number;
}

const NO_LIMIT = -1;
/** librdkafka's own back-offs apply inside each call; this is between two calls. */
const RETRIES = 100;
const GRACE_MS = 15_000;

export class Transactor {
  readonly #producer: ClientProducer;
  readonly #name: string;
  readonly #watchdogMs: number;
  #failure: FirstFiveError | undefined;
  #open: Promise<void> = Promise.resolve();

  constructor(options: TransactorOptions) {
    this.#producer = options.producer;
    this.#name = options.name;
    this.#watchdogMs = 2 * options.transactionTimeoutMs + GRACE_MS;
    options.producer.on('event.error', (error) => {
      if (error.isFatal === true) this.#finish(error);
    });
  }

  get failure(): FirstFiveError | undefined {
    return this.#failure;
  }

  /** Fences every earlier producer of the same id and ends what it left open. Before the first `transact`. */
  async init(): Promise<void> {
    try {
      await this.#call('initTransactions', (done) => this.#producer.initTransactions(this.#watchdogMs, done));
    } catch (thrown) {
      throw this.#failure ?? toLogError(thrown, `${this.#name}: starting transactions`);
    }
  }

  /** Resolves when no transaction is open any more. */
  idle(): Promise<void> {
    return this.#open;
  }

  /** `LOG_ABORTED`: no effect, may be tried again. `LOG_FENCED`: this producer is finished. */
  transact(work: TransactionWork): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const running = this.#transact(work);
    this.#open = running.catch(() => {});
    return running;
  }

  async #transact(work: TransactionWork): Promise<void> {
    try {
      await this.#call('beginTransaction', (done) => this.#producer.beginTransaction(done));
      await this.#fill(work);
      work.stillValid?.();
      await this.#call('commitTransaction', (done) => this.#producer.commitTransaction(NO_LIMIT, done));
    } catch (thrown) {
      await this.#abort(thrown);
      throw this.#aborted(thrown);
    }
  }

  async #fill({ outputs, offsets, consumer, opaque }: TransactionWork): Promise<void> {
    await produceAll(this.#producer, outputs, opaque);
    if (offsets.length === 0 || consumer === undefined) return;
    const positions = offsets.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      offset: Number(offset),
    }));
    await this.#call('sendOffsetsToTransaction', (done) => {
      // T3: with a consumer that is gone, the binding follows a null pointer.
      if (!consumer.isConnected())
        throw new FirstFiveError('LOG_ABORTED', `${this.#name}: the member has left`);
      this.#producer.sendOffsetsToTransaction(positions, consumer, this.#watchdogMs, done);
    });
  }

  /** T1. A failed abort leaves nothing to go on with. */
  async #abort(cause: unknown): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#call('abortTransaction', (done) => this.#producer.abortTransaction(NO_LIMIT, done));
    } catch (thrown) {
      // Nothing was begun: there is nothing to abort.
      if (isClientError(thrown) && thrown.code === CODE.STATE) return;
      this.#finish(isClientError(thrown) ? thrown : cause);
      throw this.#failure ?? thrown;
    }
  }

  #aborted(cause: unknown): FirstFiveError {
    if (cause instanceof FirstFiveError) return cause;
    if (isClientError(cause) && (isRefused(cause) || cause.code === CODE.MESSAGE_TOO_LARGE)) {
      return toLogError(cause, `${this.#name}: a commit`);
    }
    const said = cause instanceof Error ? cause.message : String(cause);
    return new FirstFiveError('LOG_ABORTED', `${this.#name}: a commit was aborted: ${said}`, { cause });
  }

  /** Retriable errors are tried again (the calls resume); fatal ones and silence end the producer. */
  async #call(what: string, start: (done: Done) => unknown): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await called(what, this.#watchdogMs, start);
        return;
      } catch (thrown) {
        if (isSilence(thrown) || isFinal(thrown)) this.#finish(thrown);
        if (this.#failure !== undefined) throw this.#failure;
        const again = isClientError(thrown) && thrown.isRetriable === true && tries < RETRIES;
        if (!again) throw thrown;
      }
    }
  }

  #finish(cause: unknown): void {
    const why = isClientError(cause)
      ? fenceReason(cause)
      : String(cause instanceof Error ? cause.message : cause);
    this.#failure ??= fencedError(this.#name, why, cause);
  }
}

function isSilence(thrown: unknown): boolean {
  return thrown instanceof FirstFiveError && thrown.code === 'LOG_UNAVAILABLE';
}

function isFinal(thrown: unknown): boolean {
  return isClientError(thrown) && (thrown.isFatal === true || isFenced(thrown));
}
