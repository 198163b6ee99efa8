/**
 * A member of a consumer group: one consumer and one producer, on the main thread.
 *
 * M1. What it fetches ahead is bounded in bytes; polling goes on whatever the caller does (`ConsumerPump`).
 * M2. Offsets are committed only under the epoch that they were read with (`Assignments`); older work is `LOG_ABORTED`,
 *     to be gathered anew without it.
 * M3. After a gap of the event loop over half the session time-out (a stopped process, say) the group is heard before
 *     anything is committed, and a transaction that met such a gap is aborted.
 * M4. A failure that ends the client ends the member: `poll` and `commit` throw it from then on.
 * M5. After an outage of all brokers nothing is committed before the last commit was looked at: one that they forgot ends the member, and the
 *     next process of its slot ends that transaction (`LeftOpen`).
 */
import { type ErrorCode, FirstFiveError } from '../../core/errors.ts';
import { partitionKey, type StreamRecord, type TopicPartition } from '../../core/record.ts';
import { Pulse, sleep, systemClock } from '../../runtime/clock.ts';
import type { CommitUnit, GroupMember, MemberPollRequest, OffsetCommit } from '../../runtime/log.ts';
import type { Assignments } from './assignments.ts';
import { settledWithin } from './calls.ts';
import type { ClientConsumer, ClientError } from './client.ts';
import { clientFailed, endsConsumer, fencedError, isClientError, toMemberError } from './client-errors.ts';
import type { ConnectedClient } from './client-lifecycle.ts';
import type { ConsumerPump } from './consumer-pump.ts';
import type { LastCommit } from './last-commit.ts';
import type { Reachability } from './reachability.ts';
import type { RecordBuffer } from './record-buffer.ts';
import type { TopicCatalog } from './topic-catalog.ts';
import type { TransactionWork } from './transactor.ts';

/** What commits a unit: transactions, or deliveries before offsets. */
export interface UnitCommitter {
  readonly failure: FirstFiveError | undefined;
  idle(): Promise<void>;
  transact(work: TransactionWork): Promise<void>;
}

/** What only transactions have: those that brokers forgot to end (`LeftOpen`), and a way to ask who holds the slot. */
export interface SlotTransactions {
  /** Before a commit to these topics. */
  endOutputs(topics: Iterable<string>): Promise<void>;
  /** Rejects with `LOG_FENCED` when another process has taken the slot. */
  endOffsets(): Promise<void>;
  doubt(topics: Iterable<string>): void;
  settleOffsets(): Promise<void>;
}

export interface MemberParts {
  readonly name: string;
  readonly consumer: ClientConsumer;
  readonly clients: readonly Pick<ConnectedClient<never>, 'disconnect'>[];
  readonly committer: UnitCommitter;
  /** Absent without transactions. */
  readonly slotTransactions: SlotTransactions | undefined;
  readonly lastCommit: LastCommit;
  readonly buffer: RecordBuffer;
  readonly pump: ConsumerPump;
  readonly assignments: Assignments;
  readonly paused: Set<string>;
  /** Ends that the consumer has come to, by partition. */
  readonly ends: ReadonlyMap<string, bigint>;
  readonly catalog: TopicCatalog;
  readonly reachability: Reachability;
  readonly maxGapMs: number;
  readonly served: Pulse;
  readonly onLeft: (member: GroupMember) => void;
}

const RELEASE_MS = 5_000;
const VERDICT_MS = 5_000;

export class KafkaGroupMember implements GroupMember {
  readonly #parts: MemberParts;
  readonly #ended = new Pulse();
  #failure: FirstFiveError | undefined;
  #checking: Promise<void> = Promise.resolve();
  #consumerEnd: Promise<void> | undefined;
  #left: Promise<void> | undefined;

  constructor(parts: MemberParts) {
    this.#parts = parts;
  }

  async poll(request: MemberPollRequest): Promise<readonly StreamRecord[]> {
    const deadline = performance.now() + request.maxWaitMs;
    for (;;) {
      if (this.#left !== undefined) return [];
      this.#requireAlive();
      const records = this.#take(request);
      const left = deadline - performance.now();
      if (records.length > 0 || left <= 0 || request.signal?.aborted === true) return records;
      this.#parts.reachability.require();
      await this.#woken(left, request.signal);
    }
  }

  async commit(unit: CommitUnit): Promise<void> {
    const { committer, slotTransactions, catalog, consumer, reachability } = this.#parts;
    if (this.#left !== undefined) throw fencedError(this.#parts.name, 'it has left the group');
    this.#requireAlive();
    reachability.require();
    await catalog.require(unit.outputs);
    const topics = new Set(unit.outputs.map((output) => output.topic));
    await this.#checking; // M5
    this.#requireAlive();
    await slotTransactions?.settleOffsets();
    await slotTransactions?.endOutputs(topics);
    await this.#heardGroup(); // M3
    this.#requireCurrent(unit.offsets); // M2
    const { outputs, offsets } = unit;
    const stillValid = () => {
      this.#requireNoGap();
      this.#requireCurrent(offsets);
    };
    this.#parts.lastCommit.note(offsets);
    try {
      await committer.transact({ outputs, offsets, consumer, stillValid });
    } catch (thrown) {
      slotTransactions?.doubt(topics);
      throw thrown;
    }
  }

  /** M5. */
  checkLastCommit(): void {
    this.#checking = this.#lastCommitIsEnded().catch((thrown) => this.fail(thrown));
  }

  async #lastCommitIsEnded(): Promise<void> {
    const { name, lastCommit, reachability, committer, slotTransactions } = this.#parts;
    if (slotTransactions === undefined) return;
    await committer.idle();
    await settledWithin(slotTransactions.settleOffsets(), VERDICT_MS);
    if ((await lastCommit.isEnded()) || !reachability.isReachable || this.#left !== undefined) return;
    this.#fail(clientFailed(name, 'the brokers came back without having ended its last transaction'));
  }

  caughtUpTo(at: TopicPartition): bigint | undefined {
    const { buffer, ends } = this.#parts;
    return buffer.isEmpty(at) ? ends.get(partitionKey(at)) : undefined;
  }

  pause(partitions: readonly TopicPartition[]): void {
    const { paused, consumer, assignments } = this.#parts;
    for (const at of partitions) {
      paused.add(partitionKey(at));
      this.#parts.buffer.setAside(at, true);
    }
    const own = partitions.filter((at) => assignments.epochOf(at) !== undefined);
    if (own.length > 0 && consumer.isConnected()) consumer.pause(own);
  }

  resume(partitions: readonly TopicPartition[]): void {
    const { paused, consumer, assignments, served } = this.#parts;
    for (const at of partitions) {
      paused.delete(partitionKey(at));
      this.#parts.buffer.setAside(at, false);
    }
    const own = partitions.filter((at) => assignments.epochOf(at) !== undefined);
    if (own.length > 0 && consumer.isConnected()) consumer.resume(own);
    served.announce();
  }

  leave(): Promise<void> {
    this.#left ??= this.#leave();
    return this.#left;
  }

  /** M4. Told by the consumer, the pump and the assignments. */
  fail(thrown: unknown): void {
    if (isClientError(thrown) && endsConsumer(thrown)) this.#consumerEnd ??= this.#endOfConsumer(thrown);
    else this.#fail(thrown);
  }

  /**
   * The group may have met an earlier life of this member (an outage longer than the session time-out) or another process in its
   * slot. The producer knows: the second one would have fenced it.
   */
  async #endOfConsumer(thrown: ClientError): Promise<void> {
    const { name, slotTransactions, committer } = this.#parts;
    if (slotTransactions !== undefined) await settledWithin(slotTransactions.endOffsets(), VERDICT_MS);
    const why = `its consumer failed for good: ${thrown.message} (${thrown.code})`;
    this.#fail(committer.failure ?? clientFailed(name, why, thrown));
  }

  #fail(thrown: unknown): void {
    const error = toMemberError(thrown, this.#parts.name);
    if (error === undefined) return;
    this.#failure ??= error;
    this.#ended.announce();
    this.#parts.served.announce();
  }

  async #leave(): Promise<void> {
    const { assignments, committer, consumer, pump, clients, served, onLeft } = this.#parts;
    served.announce();
    assignments.silence();
    await committer.idle();
    // The client's own way out hangs with some rebalances; it is given nothing to give back.
    if (this.#failure === undefined && consumer.isConnected()) {
      consumer.unsubscribe();
      await assignments.released(RELEASE_MS);
    }
    await pump.stop();
    await Promise.all(clients.map((client) => client.disconnect()));
    this.#parts.reachability.close();
    onLeft(this);
  }

  #take(request: MemberPollRequest): StreamRecord[] {
    const { buffer, paused, pump } = this.#parts;
    const { topics } = request;
    const records = buffer.take(
      request,
      (key, topic) => paused.has(key) || topics?.includes(topic) === false,
    );
    if (records.length > 0) pump.roomMade();
    return records;
  }

  async #woken(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const early = new AbortController();
    const wake = () => early.abort();
    signal?.addEventListener('abort', wake, { once: true });
    void this.#parts.served.next().then(wake);
    await sleep(systemClock, ms, early.signal);
    signal?.removeEventListener('abort', wake);
  }

  #requireAlive(): void {
    const failure = this.#failure ?? this.#parts.committer.failure;
    if (failure !== undefined) throw failure;
  }

  async #heardGroup(): Promise<void> {
    if (performance.now() - this.#parts.pump.servedAt > this.#parts.maxGapMs) await this.#parts.pump.cycle();
  }

  #requireNoGap(): void {
    const gap = performance.now() - this.#parts.pump.servedAt;
    if (gap <= this.#parts.maxGapMs) return;
    throw this.#error('LOG_ABORTED', `the process stood still for ${Math.round(gap)} ms during a commit`);
  }

  #requireCurrent(offsets: readonly OffsetCommit[]): void {
    for (const at of offsets) {
      if (this.#parts.assignments.epochOf(at) === at.epoch) continue;
      throw this.#error(
        'LOG_ABORTED',
        `${partitionKey(at)} with epoch ${at.epoch} is not this member's any more`,
      );
    }
  }

  #error(code: ErrorCode, message: string): FirstFiveError {
    return new FirstFiveError(code, `${this.#parts.name}: ${message}`);
  }
}
