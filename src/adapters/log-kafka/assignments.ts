/**
 * The partitions of a group member: answers the group's rebalances, and stamps each assignment with an epoch.
 *
 * R1. Rebalances are answered one after the other; the client waits for each answer, and polling goes on meanwhile.
 * R2. Partitions are given up only when no transaction is open: one that is open carries the generation under which they
 *     were ours, so the broker can still refuse it. Until then their epoch is valid.
 * R3. Positions are always given: the committed offset, or the first one kept for a partition that was never committed.
 * R4. The protocol is remembered from the first assignment: at the end the client no longer knows it.
 * R5. Partitions that cannot be taken over although the brokers answer end the member after `patienceMs`: no wait is for ever.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FirstFiveError, toFirstFiveError } from '../../core/errors.ts';
import { partitionKey, type TopicPartition } from '../../core/record.ts';
import type { Assignment, GroupListener, PartitionOffset } from '../../runtime/log.ts';
import { settledWithin } from './calls.ts';
import type { ClientConsumer, ClientError, ClientTopicPartition } from './client.ts';
import { CODE } from './client-errors.ts';
import type { ConsumerPump } from './consumer-pump.ts';
import type { RecordBuffer } from './record-buffer.ts';

export interface AssignmentParts {
  readonly consumer: ClientConsumer;
  readonly buffer: RecordBuffer;
  readonly pump: () => ConsumerPump;
  readonly listener: GroupListener;
  /** R3. Throws `OFFSET_OUT_OF_RANGE` and `LOG_UNAVAILABLE`. */
  readonly positions: (partitions: readonly TopicPartition[]) => Promise<readonly PartitionOffset[]>;
  /** R2. */
  readonly transactionIdle: () => Promise<void>;
  readonly revokeDrainMs: number;
  /** R5. */
  readonly isReachable: () => boolean;
  readonly patienceMs: number;
  readonly onFailure: (error: unknown) => void;
  readonly onRevoked: (partitions: readonly TopicPartition[]) => void;
}

const RETRY_MS = 1_000;

/** Grows over all members of a process, and from one process to the next as far as the clock does. */
let lastEpoch = Math.floor(Date.now() / 1000);

export class Assignments {
  readonly #parts: AssignmentParts;
  readonly #current = new Map<string, Assignment>();
  #answering: Promise<void> = Promise.resolve();
  #cooperative: boolean | undefined;
  #silent = false;
  #answered = 0;
  #onAnswered: (() => void)[] = [];

  constructor(parts: AssignmentParts) {
    this.#parts = parts;
  }

  get all(): readonly Assignment[] {
    return [...this.#current.values()];
  }

  epochOf(at: TopicPartition): number | undefined {
    return this.#current.get(partitionKey(at))?.epoch;
  }

  /** The group's word, from the client's rebalance callback. */
  handle(event: ClientError | undefined, partitions: readonly ClientTopicPartition[]): void {
    const next = this.#answering.then(() => this.#answer(event, partitions));
    this.#answering = next.catch((thrown: unknown) => this.#parts.onFailure(thrown));
  }

  /** Resolves once the first rebalance was answered, or after `waitMs`. */
  async firstAnswer(waitMs: number): Promise<void> {
    if (this.#answered > 0) return;
    const first = new Promise<void>((resolve) => this.#onAnswered.push(resolve));
    await settledWithin(first, waitMs);
  }

  /** From now on the listener is not called; what is under way is not waited for. */
  silence(): void {
    this.#silent = true;
  }

  /** Resolves once everything is given back after `unsubscribe`, or after `waitMs`. */
  async released(waitMs: number): Promise<void> {
    const until = performance.now() + waitMs;
    while (this.#current.size > 0 && performance.now() < until) await delay(20);
  }

  async #answer(event: ClientError | undefined, partitions: readonly ClientTopicPartition[]): Promise<void> {
    const named = partitions.map(({ topic, partition }) => ({ topic, partition }));
    if (event?.code === CODE.ASSIGN_PARTITIONS) await this.#assign(named);
    else await this.#revoke(event?.code === CODE.REVOKE_PARTITIONS ? named : this.all);
    this.#answered += 1;
    for (const wake of this.#onAnswered) wake();
    this.#onAnswered = [];
  }

  async #assign(partitions: readonly TopicPartition[]): Promise<void> {
    const { consumer, buffer, pump } = this.#parts;
    this.#cooperative ??= consumer.rebalanceProtocol() === 'COOPERATIVE'; // R4
    const positions = this.#silent ? [] : await this.#prepared(partitions);
    await pump().quiesce(() => {
      const from = positions.map(({ topic, partition, position }) => ({
        topic,
        partition,
        offset: Number(position),
      }));
      for (const at of positions) buffer.open(at);
      if (this.#cooperative === true) consumer.incrementalAssign(from);
      else consumer.assign(from);
      pump().reassigned();
    });
  }

  /** Waits out a log that is unavailable (R5). */
  async #prepared(partitions: readonly TopicPartition[]): Promise<readonly Assignment[]> {
    const { isReachable, patienceMs } = this.#parts;
    let since = performance.now();
    for (;;) {
      try {
        return await this.#takeOver(partitions);
      } catch (thrown) {
        for (const at of partitions) this.#current.delete(partitionKey(at));
        const error = toFirstFiveError(thrown);
        if (this.#silent) return [];
        if (error.kind !== 'systemic') throw error;
        if (!isReachable()) since = performance.now();
        if (performance.now() - since > patienceMs) throw stuck(error, patienceMs);
        await delay(RETRY_MS);
      }
    }
  }

  /** Epochs and positions, with the listener told. */
  async #takeOver(partitions: readonly TopicPartition[]): Promise<readonly Assignment[]> {
    const positions = await this.#parts.positions(partitions);
    const assignments = positions.map(
      ({ topic, partition, offset }): Assignment => ({
        topic,
        partition,
        position: offset,
        epoch: ++lastEpoch,
      }),
    );
    for (const at of assignments) this.#current.set(partitionKey(at), at);
    if (!this.#silent) await this.#parts.listener.onAssigned(assignments);
    return assignments;
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    const { consumer, buffer, pump, listener, revokeDrainMs, transactionIdle, onRevoked } = this.#parts;
    const own = partitions.filter((at) => this.#current.has(partitionKey(at)));
    if (!this.#silent && own.length > 0) {
      await settledWithin(
        Promise.resolve().then(() => listener.onRevoked(own)),
        revokeDrainMs,
      );
    }
    await transactionIdle(); // R2
    await pump().quiesce(() => {
      for (const at of own) {
        this.#current.delete(partitionKey(at));
        buffer.close(at);
      }
      onRevoked(own);
      this.#unassign(consumer, partitions);
    });
  }

  #unassign(consumer: ClientConsumer, partitions: readonly TopicPartition[]): void {
    try {
      if (this.#cooperative === true) consumer.incrementalUnassign(partitions);
      else consumer.unassign();
    } catch (thrown) {
      // A client that is closing gives everything back by itself.
      if (consumer.isConnected() && !this.#silent) throw thrown;
    }
  }
}

function stuck(cause: FirstFiveError, patienceMs: number): FirstFiveError {
  const why =
    `partitions could not be taken over for ${patienceMs} ms although the brokers answer: ${cause.message}. ` +
    'If this goes on after a restart, a transaction of a replica that is gone may be open for ever: start that replica once ' +
    'more, or end its transaction (`kafka-transactions.sh find-hanging` and `abort`)';
  return new FirstFiveError('LOG_CLIENT_FAILED', why, { cause });
}
