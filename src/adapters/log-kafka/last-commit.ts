/**
 * Whether the brokers ended the last transaction that they said was committed. One that was decided right before all brokers went away
 * may never be ended (`left-open.ts`); then nobody can read the group's offsets, and this slot, which is through with it, would not notice.
 *
 * C1. Only silence counts: the client asks again by itself while offsets are not stable, and says that it timed out.
 */
import type { TopicPartition } from '../../core/record.ts';
import type { OffsetCommit } from '../../runtime/log.ts';
import { called } from './calls.ts';
import type { ClientConsumer } from './client.ts';
import { CODE, isClientError } from './client-errors.ts';

export interface LastCommitOptions {
  readonly consumer: ClientConsumer;
  /** Resolves when no transaction is open. */
  readonly idle: () => Promise<void>;
  readonly askMs?: number;
}

const ASK_MS = 10_000;
const ASKS = 3;

export class LastCommit {
  readonly #options: LastCommitOptions;
  #partitions: readonly TopicPartition[] = [];

  constructor(options: LastCommitOptions) {
    this.#options = options;
  }

  note(offsets: readonly OffsetCommit[]): void {
    if (offsets.length > 0) this.#partitions = offsets;
  }

  /** False when its offsets were not stable for half a minute. An outage in between says nothing. */
  async isEnded(): Promise<boolean> {
    const { idle, consumer, askMs = ASK_MS } = this.#options;
    for (let asks = 1; asks <= ASKS; asks++) {
      await idle();
      const partitions = this.#partitions.map(({ topic, partition }) => ({ topic, partition }));
      if (partitions.length === 0 || !consumer.isConnected()) return true;
      try {
        await called('committed', 2 * askMs, (done) => consumer.committed(partitions, askMs, done));
        return true;
      } catch (thrown) {
        if (!isClientError(thrown) || thrown.code !== CODE.TIMED_OUT) return true; // C1
      }
    }
    return false;
  }
}
