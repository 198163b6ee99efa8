/**
 * One transactional producer: runs a unit of work in a transaction, and says what became of it.
 *
 * T1. After `transact` there is no open transaction: it was committed, aborted, or the producer is finished (T4).
 * T2. Commit and abort run with the client's own time limit (what is left of the transaction): a shorter one would leave
 *     its state unknown. Our watchdog is for calls that never come back; it ends the producer.
 * T3. Offsets are sent while the consumer is connected, and only next offsets of partitions that advanced.
 * T4. `LOG_FENCED`: another producer has our transactional id, or a time-out took it from us. `LOG_CLIENT_FAILED`: this client cannot
 *     go on, and nobody took its place. A group that refuses the offsets' member is neither: the transaction is aborted.
 * T5. A producer that delivers nothing in two transactions, one after the other, is finished: after an outage one has been seen that
 *     delivered nothing ever again, while others did.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { FirstFiveError } from '../../core/errors.ts';
import type { OutputRecord } from '../../core/record.ts';
import type { PartitionOffset } from '../../runtime/log.ts';
import { called } from './calls.ts';
import type { ClientConsumer, ClientError, ClientProducer, Done } from './client.ts';
import { CODE, endOfClient, isClientError, isFenced, isRefused, toLogError } from './client-errors.ts';
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
const GRACE_MS = 15_000;
const MAX_UNDELIVERED = 2;

export class Transactor {
  readonly #producer: ClientProducer;
  readonly #name: string;
  readonly #watchdogMs: number;
  #failure: FirstFiveError | undefined;
  #undelivered = 0;
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

  /** `LOG_ABORTED`: no effect, may be tried again. Any other failure of the log finishes this producer (T4). */
  transact(work: TransactionWork): Promise<void> {
    return this.#run(() => this.#transact(work));
  }

  /**
   * Does the work in a transaction and aborts it, so that the brokers write their markers to its partitions. Resolves also when the
   * group refuses the offsets: their partition is part of the transaction by then. Fails as `transact` does.
   */
  cancelled(work: TransactionWork): Promise<void> {
    return this.#run(() => this.#cancelled(work));
  }

  /** One transaction at a time. */
  #run(transaction: () => Promise<void>): Promise<void> {
    const running = this.#open.then(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return transaction();
    });
    this.#open = running.catch(() => {});
    return running;
  }

  async #transact(work: TransactionWork): Promise<void> {
    try {
      await this.#call('beginTransaction', (done) => this.#producer.beginTransaction(done));
      await this.#fill(work);
      work.stillValid?.();
      await this.#call('commitTransaction', (done) => this.#producer.commitTransaction(NO_LIMIT, done));
      this.#undelivered = 0;
    } catch (thrown) {
      await this.#abort(thrown);
      this.#countUndelivered(thrown);
      throw this.#failure ?? this.#aborted(thrown);
    }
  }

  async #cancelled(work: TransactionWork): Promise<void> {
    try {
      await this.#call('beginTransaction', (done) => this.#producer.beginTransaction(done));
      await this.#fill(work);
      if (work.outputs.length > 0) {
        await this.#call('flush', (done) => this.#producer.flush(this.#watchdogMs, done));
      }
      await this.#call('abortTransaction', (done) => this.#producer.abortTransaction(NO_LIMIT, done));
    } catch (thrown) {
      await this.#abort(thrown);
      if (!isClientError(thrown) || !isRefusedOffset(thrown)) throw this.#aborted(thrown);
    }
  }

  /** T5. */
  #countUndelivered(thrown: unknown): void {
    if (!isClientError(thrown) || thrown.code !== CODE.UNDELIVERED) return;
    this.#undelivered += 1;
    if (this.#undelivered >= MAX_UNDELIVERED) this.#finish(thrown);
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

  /** Retriable errors are tried again (the calls resume) until the watchdog's time is over; fatal ones and silence end the producer. */
  async #call(what: string, start: (done: Done) => unknown): Promise<void> {
    const until = performance.now() + this.#watchdogMs;
    for (;;) {
      try {
        await called(what, this.#watchdogMs, start);
        return;
      } catch (thrown) {
        const again = isClientError(thrown) && thrown.isRetriable === true;
        const isLate = again && performance.now() > until;
        if (isSilence(thrown) || isFinal(thrown) || isLate) this.#finish(thrown);
        if (this.#failure !== undefined) throw this.#failure;
        if (!again) throw thrown;
        await turn();
      }
    }
  }

  #finish(cause: unknown): void {
    this.#failure ??= endOfClient(this.#name, cause);
  }
}

function isSilence(thrown: unknown): boolean {
  return thrown instanceof FirstFiveError && thrown.code === 'LOG_UNAVAILABLE';
}

function isFinal(thrown: unknown): boolean {
  return isClientError(thrown) && (thrown.isFatal === true || isFenced(thrown));
}

/** T4. */
function isRefusedOffset(error: ClientError): boolean {
  const refusals: readonly number[] = [
    CODE.ILLEGAL_GENERATION,
    CODE.UNKNOWN_MEMBER_ID,
    CODE.FENCED_INSTANCE_ID,
    CODE.TOPIC_AUTHORIZATION_FAILED,
  ];
  return refusals.includes(error.code);
}
