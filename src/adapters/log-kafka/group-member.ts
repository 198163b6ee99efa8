/**
 * A member of a consumer group: one consumer and one producer, on the main thread.
 *
 * M1. What it fetches ahead is bounded in bytes; polling goes on whatever the caller does (`ConsumerPump`).
 * M2. Offsets are committed only under the epoch that they were read with (`Assignments`); older work is `LOG_ABORTED`,
 *     to be gathered anew without it.
 * M3. After a gap of the event loop over half the session time-out (a stopped process, say) the group is heard before
 *     anything is committed, and a transaction that met such a gap is aborted.
 * M4. A failure that ends the client ends the member: `poll` and `commit` throw it from then on.
 */
import { type ErrorCode, FirstFiveError, toFirstFiveError } from '../../core/errors.ts';
import { partitionKey, type StreamRecord, type TopicPartition } from '../../core/record.ts';
import { Pulse, sleep, systemClock } from '../../runtime/clock.ts';
import type { CommitUnit, GroupMember, OffsetCommit, PollRequest } from '../../runtime/log.ts';
import type { Assignments } from './assignments.ts';
import type { ClientConsumer, ClientError } from './client.ts';
import {
  CODE,
  fencedError,
  fenceReason,
  isClientError,
  isFenced,
  isRefused,
  toLogError,
} from './client-errors.ts';
import type { ConnectedClient } from './client-lifecycle.ts';
import type { ConsumerPump } from './consumer-pump.ts';
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

export interface MemberParts {
  readonly name: string;
  readonly consumer: ClientConsumer;
  readonly clients: readonly Pick<ConnectedClient<never>, 'disconnect'>[];
  readonly committer: UnitCommitter;
  readonly buffer: RecordBuffer;
  readonly pump: ConsumerPump;
  readonly assignments: Assignments;
  readonly paused: Set<string>;
  readonly catalog: TopicCatalog;
  readonly reachability: Reachability;
  readonly maxGapMs: number;
  readonly served: Pulse;
  readonly onLeft: (member: GroupMember) => void;
}

const RELEASE_MS = 5_000;
const EVENT_MS = 200;

export class KafkaGroupMember implements GroupMember {
  readonly #parts: MemberParts;
  readonly #ended = new Pulse();
  #failure: FirstFiveError | undefined;
  #left: Promise<void> | undefined;

  constructor(parts: MemberParts) {
    this.#parts = parts;
  }

  async poll(request: PollRequest): Promise<readonly StreamRecord[]> {
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
    const { committer, catalog, consumer, reachability } = this.#parts;
    if (this.#left !== undefined) throw fencedError(this.#parts.name, 'it has left the group');
    this.#requireAlive();
    reachability.require();
    await catalog.require(unit.outputs);
    await this.#heardGroup(); // M3
    this.#requireCurrent(unit.offsets); // M2
    const { outputs, offsets } = unit;
    const stillValid = () => {
      this.#requireNoGap();
      this.#requireCurrent(offsets);
    };
    await committer.transact({ outputs, offsets, consumer, stillValid });
  }

  pause(partitions: readonly TopicPartition[]): void {
    const { paused, consumer, assignments } = this.#parts;
    for (const at of partitions) paused.add(partitionKey(at));
    const own = partitions.filter((at) => assignments.epochOf(at) !== undefined);
    if (own.length > 0 && consumer.isConnected()) consumer.pause(own);
  }

  resume(partitions: readonly TopicPartition[]): void {
    const { paused, consumer, assignments, served } = this.#parts;
    for (const at of partitions) paused.delete(partitionKey(at));
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
    // The consumer's own calls say only that something fatal happened; the event that tells what comes at the same time.
    if (isClientError(thrown) && thrown.code === CODE.FATAL && this.#failure === undefined) {
      setTimeout(() => this.#fail(thrown), EVENT_MS);
    } else this.#fail(thrown);
  }

  #fail(thrown: unknown): void {
    const error = thrown instanceof FirstFiveError ? thrown : this.#memberError(thrown);
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

  #take(request: PollRequest): StreamRecord[] {
    const { buffer, paused, pump } = this.#parts;
    const records = buffer.take(request, (key) => paused.has(key));
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

  /** `undefined` for what the client mends by itself. */
  #memberError(thrown: unknown): FirstFiveError | undefined {
    const error = thrown as ClientError;
    if (error.code === CODE.FATAL || error.isFatal === true || isFenced(error)) {
      return fencedError(this.#parts.name, fenceReason(error), thrown);
    }
    if (error.code === CODE.AUTO_OFFSET_RESET || error.code === CODE.OFFSET_OUT_OF_RANGE) {
      return this.#error(
        'OFFSET_OUT_OF_RANGE',
        'retention removed records before they were read; use a new group to go on from what is left, and a longer retention',
      );
    }
    if (isRefused(error)) return toLogError(thrown, this.#parts.name);
    if (!('code' in error)) return toFirstFiveError(thrown);
    return undefined;
  }

  #error(code: ErrorCode, message: string): FirstFiveError {
    return new FirstFiveError(code, `${this.#parts.name}: ${message}`);
  }
}
