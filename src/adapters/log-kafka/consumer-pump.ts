/**
 * Keeps a consumer polling, whatever the work behind it does: the group sees a live member, rebalances are served, and
 * records come into a buffer that is bounded in bytes.
 *
 * P1. One consume call is in flight at a time. `quiesce` runs work while there is none: what a later call returns belongs
 *     to the assignment made in there.
 * P2. A call waits for the first record only and then takes what is there without waiting: the client's time-out counts
 *     per record, so a slow trickle would hold a larger call, and a thread, for minutes.
 * P3. A full buffer first holds the next call back for a moment. Only when it stays full are the partitions paused (their
 *     prefetched records are fetched again later), and polling goes on for the events.
 */
import { recordBytes, type StreamRecord, type TopicPartition } from '../../core/record.ts';
import { Pulse, sleep, systemClock } from '../../runtime/clock.ts';
import type { ClientConsumer, ClientError, ClientMessage } from './client.ts';
import { toStreamRecord } from './messages.ts';
import type { RecordBuffer } from './record-buffer.ts';

export interface PumpOptions {
  readonly consumer: ClientConsumer;
  readonly buffer: RecordBuffer;
  readonly maxBufferedBytes: number;
  /** Partitions that are fetched from now. */
  readonly assigned: () => readonly TopicPartition[];
  /** Partitions that the user of the log has paused: they stay so when the pump resumes the others. */
  readonly isPaused: (at: TopicPartition) => boolean;
  readonly onError: (error: unknown) => void;
  /** Records came in, or the consumer was served. */
  readonly onServed: () => void;
}

const WAIT_MS = 100;
const HOLD_MS = 200;
const MAX_BATCH = 2_000;
/** After an error, which may come back at once and again. */
const ERROR_PAUSE_MS = 100;

export class ConsumerPump {
  readonly #options: PumpOptions;
  readonly #room = new Pulse();
  readonly #cycled = new Pulse();
  #quiescent: (() => void)[] = [];
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #pausedByUs = false;
  #busy = false;
  #recordBytes = 1_024;
  /** `performance.now()` at the start of the last consume call that has come back. */
  servedAt = performance.now();

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Tells a waiting pump that records were taken out of the buffer. */
  roomMade(): void {
    this.#room.announce();
  }

  /** P1. */
  quiesce(work: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const run = () => {
        try {
          work();
          resolve();
        } catch (thrown) {
          reject(thrown);
        }
      };
      if (this.#stopped) run();
      else {
        this.#quiescent.push(run);
        this.#room.announce();
      }
    });
  }

  /** Resolves when a consume call that started after now has come back: what the group had to say was said by then. */
  async cycle(): Promise<void> {
    const since = performance.now();
    while (!this.#stopped && this.servedAt < since) await this.#cycled.next();
  }

  /** Resolves when no consume call is in flight: a consumer that is disconnected during one crashes the process. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#room.announce();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#runQuiescent();
      if (this.#isFull()) await this.#hold();
      if (this.#stopped) break;
      this.#followWatermarks();
      await this.#consume();
    }
    this.#runQuiescent();
    this.#cycled.announce();
  }

  #runQuiescent(): void {
    const waiting = this.#quiescent;
    this.#quiescent = [];
    for (const run of waiting) run();
  }

  #isFull(): boolean {
    return this.#options.buffer.bytes >= this.#options.maxBufferedBytes;
  }

  /** P3. Room, a request to be quiescent, or the time ends it. */
  async #hold(): Promise<void> {
    if (this.#pausedByUs) return;
    const until = performance.now() + HOLD_MS;
    while (!this.#stopped && this.#quiescent.length === 0 && this.#isFull()) {
      const left = until - performance.now();
      if (left <= 0) return;
      const early = new AbortController();
      void this.#room.next().then(() => early.abort());
      await sleep(systemClock, left, early.signal);
    }
    this.#runQuiescent();
  }

  #followWatermarks(): void {
    const { buffer, maxBufferedBytes, consumer, assigned, isPaused } = this.#options;
    if (!this.#pausedByUs && this.#isFull()) {
      this.#pausedByUs = true;
      consumer.pause(assigned());
    } else if (this.#pausedByUs && buffer.bytes <= maxBufferedBytes / 2) {
      this.#pausedByUs = false;
      consumer.resume(assigned().filter((at) => !isPaused(at)));
    }
  }

  /** The client remembers what was paused through any assignment: what is not to be paused now has to be resumed. */
  reassigned(): void {
    const { consumer, assigned, isPaused } = this.#options;
    this.#pausedByUs = false;
    const fetched = assigned().filter((at) => !isPaused(at));
    if (fetched.length > 0) consumer.resume(fetched);
  }

  async #consume(): Promise<void> {
    const { consumer, buffer, maxBufferedBytes, onError, onServed } = this.#options;
    const startedAt = performance.now();
    const room = Math.max(1, Math.floor((maxBufferedBytes - buffer.bytes) / this.#recordBytes));
    const count = this.#busy ? Math.min(MAX_BATCH, room) : 1;
    consumer.setDefaultConsumeTimeout(this.#busy ? 0 : WAIT_MS); // P2
    try {
      const messages = await consumed(consumer, count);
      this.#busy = messages.length === count;
      this.#take(messages);
    } catch (thrown) {
      this.#busy = false;
      onError(thrown);
      await sleep(systemClock, ERROR_PAUSE_MS);
    }
    this.servedAt = startedAt;
    this.#cycled.announce();
    // One record that was waited for is seldom alone: what came with it is taken first.
    if (!(this.#busy && count === 1) || this.#isFull()) onServed();
  }

  #take(messages: readonly ClientMessage[]): void {
    if (messages.length === 0) return;
    let bytes = 0;
    for (const message of messages) {
      const record: StreamRecord = toStreamRecord(message);
      bytes += recordBytes(record);
      this.#options.buffer.push(record);
    }
    this.#recordBytes = 0.8 * this.#recordBytes + (0.2 * bytes) / messages.length;
  }
}

/** Without a deadline: records of a call that was given up on would be lost, and it is at most a wait of `WAIT_MS`. */
function consumed(consumer: ClientConsumer, count: number): Promise<readonly ClientMessage[]> {
  return new Promise((resolve, reject) => {
    consumer.consume(count, (error: ClientError | null | undefined, messages) => {
      if (error !== null && error !== undefined) reject(error);
      else resolve(messages);
    });
  });
}
