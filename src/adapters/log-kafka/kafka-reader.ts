/**
 * Reads partitions without a group, up to what is committed.
 *
 * R1. A call comes back empty only when all partitions were read to their end: a caller that reads "until nothing comes"
 *     sees everything, however slow the broker is. The wait that was asked for begins there.
 * R2. A position moves over what holds no records (markers of transactions, aborted ones) as soon as the end is reached. A
 *     call that met nothing else comes back empty then: the caller may have been waiting for the position.
 */
import { FirstFiveError } from '../../core/errors.ts';
import { partitionKey, type StreamRecord } from '../../core/record.ts';
import { Pulse, sleep, systemClock } from '../../runtime/clock.ts';
import type { LogReader, PartitionOffset, PollRequest } from '../../runtime/log.ts';
import type { ClientConsumer } from './client.ts';
import { isRefused, toLogError } from './client-errors.ts';
import type { ConnectedClient } from './client-lifecycle.ts';
import { ConsumerPump } from './consumer-pump.ts';
import type { Reachability } from './reachability.ts';
import { RecordBuffer } from './record-buffer.ts';

export interface ReaderParts {
  readonly connected: ConnectedClient<ClientConsumer>;
  readonly reachability: Reachability;
  readonly from: readonly PartitionOffset[];
  readonly maxBufferedBytes: number;
  readonly onClosed: (reader: LogReader) => void;
}

interface ReadPartition extends PartitionOffset {
  offset: bigint;
  /** Where the end was met last. */
  end: bigint | undefined;
}

const SILENCE_MS = 30_000;

export class KafkaLogReader implements LogReader {
  readonly #parts: ReaderParts;
  readonly #partitions: ReadonlyMap<string, ReadPartition>;
  readonly #buffer = new RecordBuffer();
  readonly #served = new Pulse();
  readonly #pump: ConsumerPump;
  #failure: FirstFiveError | undefined;
  /** Ends met so far behind which there was more than records taken. */
  #skipped = 0;
  #closed: Promise<void> | undefined;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#partitions = new Map(parts.from.map((at) => [partitionKey(at), { ...at, end: undefined }]));
    const consumer = parts.connected.client;
    this.#pump = new ConsumerPump({
      consumer,
      buffer: this.#buffer,
      maxBufferedBytes: parts.maxBufferedBytes,
      assigned: () => parts.from,
      isPaused: () => false,
      onError: (thrown) => this.#failed(thrown),
      onServed: () => this.#served.announce(),
    });
    consumer.on('partition.eof', (at) => {
      const partition = this.#partitions.get(partitionKey(at));
      if (partition === undefined) return;
      const end = BigInt(at.offset);
      if (end > partition.offset && (partition.end ?? -1n) < end) this.#skipped += 1;
      partition.end = end;
    });
    for (const at of parts.from) this.#buffer.open(at);
    consumer.assign(
      parts.from.map(({ topic, partition, offset }) => ({ topic, partition, offset: Number(offset) })),
    );
    this.#pump.start();
  }

  async next(request: PollRequest): Promise<readonly StreamRecord[]> {
    const silentAt = performance.now() + SILENCE_MS;
    const positionsBefore = this.#skipped;
    let waitUntil: number | undefined;
    while (this.#closed === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      const records = this.#take(request);
      if (records.length > 0 || request.signal?.aborted === true) return records;
      this.#parts.reachability.require();
      const now = performance.now();
      if (this.#isAtEnd()) waitUntil ??= now + request.maxWaitMs; // R1
      if (waitUntil !== undefined && this.#skipped > positionsBefore) return []; // R2
      if (waitUntil !== undefined && now >= waitUntil) return [];
      if (waitUntil === undefined && now >= silentAt) throw this.#silent();
      await this.#woken((waitUntil ?? silentAt) - now, request.signal);
    }
    return [];
  }

  positions(): readonly PartitionOffset[] {
    return [...this.#partitions.values()].map((at) => {
      const skipped = this.#buffer.isEmpty(at) && at.end !== undefined && at.end > at.offset; // R2
      return {
        topic: at.topic,
        partition: at.partition,
        offset: skipped ? (at.end ?? at.offset) : at.offset,
      };
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#served.announce();
    await this.#pump.stop();
    this.#parts.reachability.close();
    await this.#parts.connected.disconnect();
    this.#parts.onClosed(this);
  }

  #take(request: PollRequest): StreamRecord[] {
    const records = this.#buffer.take(request, () => false);
    for (const record of records) {
      const at = this.#partitions.get(partitionKey(record));
      if (at !== undefined) at.offset = record.offset + 1n;
    }
    if (records.length > 0) this.#pump.roomMade();
    return records;
  }

  #isAtEnd(): boolean {
    for (const at of this.#partitions.values()) {
      if (at.end === undefined || at.end < at.offset || !this.#buffer.isEmpty(at)) return false;
    }
    return true;
  }

  async #woken(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const early = new AbortController();
    const wake = () => early.abort();
    signal?.addEventListener('abort', wake, { once: true });
    void this.#served.next().then(wake);
    await sleep(systemClock, ms, early.signal);
    signal?.removeEventListener('abort', wake);
  }

  #failed(thrown: unknown): void {
    const error = toLogError(thrown, 'reading from Kafka');
    const code = (thrown as { code?: number }).code ?? 0;
    // What passes by itself (a broker that restarts) is told by `Reachability`.
    if (error.code !== 'LOG_UNAVAILABLE' || isRefused({ code })) this.#failure ??= error;
    this.#served.announce();
  }

  #silent(): FirstFiveError {
    const waiting = [...this.#partitions.values()].filter((at) => at.end === undefined).map(partitionKey);
    return new FirstFiveError(
      'LOG_UNAVAILABLE',
      `Kafka has sent neither records nor the end of ${waiting.join(', ')} for ${SILENCE_MS} ms`,
    );
  }
}
