/**
 * The documented alternative to transactions: outputs are delivered first, offsets are committed after them. A crash in
 * between repeats outputs; nothing is lost.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { FirstFiveError } from '../../core/errors.ts';
import { called } from './calls.ts';
import type { ClientConsumer, ClientError, ClientProducer } from './client.ts';
import { endOfClient, isClientError, isFenced, toLogError } from './client-errors.ts';
import { produceAll } from './producing.ts';
import type { TransactionWork } from './transactor.ts';

const FLUSH_MS = 60_000;
const COMMIT_MS = 60_000;

export class AtLeastOnce {
  readonly #producer: ClientProducer;
  readonly #name: string;
  #undelivered: ClientError | undefined;
  #committed: (error: ClientError | undefined) => void = () => {};
  #open: Promise<void> = Promise.resolve();
  readonly failure: FirstFiveError | undefined = undefined;

  constructor(producer: ClientProducer, consumer: ClientConsumer, name: string) {
    this.#producer = producer;
    this.#name = name;
    producer.on('delivery-report', (error) => {
      this.#undelivered ??= error ?? undefined;
    });
    consumer.on('offset.commit', (error) => this.#committed(error));
  }

  async init(): Promise<void> {}

  idle(): Promise<void> {
    return this.#open;
  }

  transact(work: TransactionWork): Promise<void> {
    const running = this.#deliver(work);
    this.#open = running.catch(() => {});
    return running;
  }

  async #deliver(work: TransactionWork): Promise<void> {
    const { outputs, offsets, consumer, stillValid } = work;
    try {
      this.#undelivered = undefined;
      await produceAll(this.#producer, outputs);
      await called('flush', FLUSH_MS, (done) => this.#producer.flush(FLUSH_MS, done));
      // Reports of failures reach us by events that the flush has queued.
      this.#producer.poll();
      await turn();
      await turn();
      if (this.#undelivered !== undefined) throw this.#undelivered;
      stillValid?.();
      if (offsets.length > 0 && consumer !== undefined) await this.#commit(work, consumer);
    } catch (thrown) {
      throw this.#failed(thrown);
    }
  }

  #commit({ offsets }: TransactionWork, consumer: ClientConsumer): Promise<unknown> {
    return called('commit', COMMIT_MS, (done) => {
      this.#committed = (error) => done(error, undefined);
      consumer.commit(
        offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset: Number(offset) })),
      );
    });
  }

  #failed(thrown: unknown): FirstFiveError {
    if (thrown instanceof FirstFiveError) return thrown;
    if (isClientError(thrown) && (thrown.isFatal === true || isFenced(thrown)))
      return endOfClient(this.#name, thrown);
    const error = toLogError(thrown, `${this.#name}: a commit`);
    if (error.code !== 'LOG_UNAVAILABLE') return error;
    return new FirstFiveError('LOG_ABORTED', error.message, { cause: thrown });
  }
}
