/**
 * Appends outside any group: one transaction per call, by a producer of its own that starts at the first call.
 *
 * A1. A producer that has failed (an outage may have outlasted its transaction) is replaced at the next call by one of the same id. After
 *     any call that failed, a transaction over its topics is aborted before the next one: see `left-open.ts`.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { FirstFiveError } from '../../core/errors.ts';
import type { OutputRecord } from '../../core/record.ts';
import type { PartitionOffset } from '../../runtime/log.ts';
import type { ClientProducer, KafkaClient } from './client.ts';
import { type ConnectedClient, connectClient } from './client-lifecycle.ts';
import { fillerOf } from './left-open.ts';
import { PRODUCER_TOPIC_CONFIG, type ResolvedOptions, transactionalConfig } from './options.ts';
import type { TopicCatalog } from './topic-catalog.ts';
import { Transactor } from './transactor.ts';

interface Opened {
  readonly connected: ConnectedClient<ClientProducer>;
  readonly transactor: Transactor;
}

/** Reports of successes come in events, a hundred at a time: turns of the event loop until all are in. */
const REPORT_TURNS = 10_000;
const POLL_MS = 20;

export class KafkaAppender {
  readonly #client: KafkaClient;
  readonly #options: ResolvedOptions;
  readonly #catalog: TopicCatalog;
  /** Nobody else's: two appenders must not end each other's transactions. */
  readonly #id: string;
  readonly #inDoubt = new Set<string>();
  #opened: Promise<Opened> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #reported: (PartitionOffset | undefined)[] = [];

  constructor(client: KafkaClient, options: ResolvedOptions, catalog: TopicCatalog) {
    this.#client = client;
    this.#options = options;
    this.#catalog = catalog;
    this.#id = `${options.connection.clientId}-append-${randomUUID()}`;
  }

  /** Calls are carried out one after the other. */
  append(records: readonly OutputRecord[]): Promise<readonly PartitionOffset[]> {
    if (records.length === 0) return Promise.resolve([]);
    const next = this.#last.then(() => this.#append(records));
    this.#last = next.catch(() => {});
    return next;
  }

  async close(): Promise<void> {
    await this.#last;
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.connected.disconnect();
  }

  async #append(records: readonly OutputRecord[]): Promise<readonly PartitionOffset[]> {
    await this.#catalog.require(records);
    this.#opened ??= this.#open();
    const { transactor, connected } = await this.#opened.catch((thrown: unknown) => {
      this.#opened = undefined;
      throw thrown;
    });
    this.#reported = new Array(records.length);
    try {
      await this.#settleDoubts(transactor);
      await transactor.transact({ outputs: records, offsets: [], opaque: (index) => index });
    } catch (thrown) {
      for (const { topic } of records) this.#inDoubt.add(topic);
      if (transactor.failure === undefined) throw thrown;
      throw this.#dropped(connected, transactor.failure);
    }
    return this.#reports(records.length, connected.client);
  }

  /** A1. */
  #dropped(connected: Opened['connected'], failure: FirstFiveError): FirstFiveError {
    this.#opened = undefined;
    void connected.disconnect();
    return new FirstFiveError('LOG_UNAVAILABLE', `appending failed: ${failure.message}`, { cause: failure });
  }

  /** A1. */
  async #settleDoubts(transactor: Transactor): Promise<void> {
    for (const topic of this.#inDoubt) {
      const count = await this.#catalog.partitionsOf(topic);
      const outputs = Array.from({ length: count }, (_, partition) => fillerOf(topic)(partition));
      await transactor.cancelled({ outputs, offsets: [] });
      this.#inDoubt.delete(topic);
    }
  }

  async #reports(count: number, producer: ClientProducer): Promise<readonly PartitionOffset[]> {
    for (let turns = 0; turns < REPORT_TURNS; turns++) {
      const landed = this.#reported.filter((at) => at !== undefined);
      if (landed.length === count) return landed;
      producer.poll();
      await turn();
    }
    throw new FirstFiveError('INTERNAL', `${count} records were committed, not all of them were reported`);
  }

  async #open(): Promise<Opened> {
    const config = { ...transactionalConfig(this.#options, this.#id), dr_cb: true };
    const producer = new this.#client.Producer(config, PRODUCER_TOPIC_CONFIG);
    producer.on('delivery-report', (error, report) => {
      const { topic, partition, offset, opaque } = report;
      if (error === null && typeof opaque === 'number') {
        this.#reported[opaque] = { topic, partition, offset: BigInt(offset) };
      }
    });
    const connected = await connectClient(producer, this.#options.connection);
    producer.setPollInterval(POLL_MS);
    const { transactionTimeoutMs } = this.#options;
    const transactor = new Transactor({ producer, name: 'append', transactionTimeoutMs });
    try {
      await transactor.init();
    } catch (thrown) {
      await connected.disconnect();
      throw thrown;
    }
    return { connected, transactor };
  }
}
