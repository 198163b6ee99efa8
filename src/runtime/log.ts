/**
 * Port: the log. Adapters: `log-sqlite` (embedded), `log-kafka`. One contract suite runs on both.
 *
 * L1. A commit is atomic: all outputs and all offsets of a unit become visible together, or none does.
 * L2. Readers are `read_committed`: they never see records of a unit that was not committed.
 * L3. One owner: once another member has taken over a partition, commits of the former owner fail with `LOG_FENCED`.
 * L4. Order holds in a partition. Offsets grow but need not be contiguous.
 * L5. A committed offset is the next one to read.
 */
import type { OutputRecord, StreamRecord, TopicPartition } from '../core/record.ts';

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly cleanup: 'delete' | 'compact';
  /** Milliseconds; `null` keeps for ever. With `compact` it bounds how long tombstones stay. */
  readonly retentionMs: number | null;
  /** Largest record, in bytes as `recordBytes` counts them; absent: what the log takes by itself. */
  readonly maxRecordBytes?: number;
}

/** What a topic of a topology takes unless it says otherwise. */
export const DEFAULT_MAX_RECORD_BYTES = 8 * 1024 * 1024;

export interface TopicDescription extends TopicSpec {
  /** By partition: first offset kept, and the offset that the next record will get (`read_committed`). */
  readonly offsets: readonly { readonly start: bigint; readonly end: bigint }[];
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: bigint;
}

export interface LogAdmin {
  /** Creates what is missing. An existing topic with another partition count fails with `TOPIC_MISMATCH`. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** All topics when `names` is absent. An unknown name fails with `TOPIC_NOT_FOUND`. */
  describeTopics(names?: readonly string[]): Promise<readonly TopicDescription[]>;
  /** What a group has committed; partitions never committed are absent. */
  committedOffsets(groupId: string): Promise<readonly PartitionOffset[]>;
  /** First offset whose timestamp is >= the given one, by partition; the end offset where there is none. */
  offsetsForTime(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]>;
  /** Applies retention and compaction now; returns how many records went. Kafka does this by itself and returns 0. */
  clean(): Promise<number>;
}

export interface PollRequest {
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** Longest wait for the first record. */
  readonly maxWaitMs: number;
  /** Ends the wait early, with what there is. */
  readonly signal?: AbortSignal;
}

export interface MemberPollRequest extends PollRequest {
  /** Only records of these topics; of all that the member has joined for when absent. */
  readonly topics?: readonly string[];
}

/** An assigned partition. `epoch` grows with each assignment of it; work stamped with an older one must not commit. */
export interface Assignment extends TopicPartition {
  readonly epoch: number;
  readonly position: bigint;
}

export interface GroupListener {
  /** Called before the first record of these partitions is returned by `poll`. */
  onAssigned(partitions: readonly Assignment[]): Promise<void>;
  /** Called before the partitions go to another member; may commit finished work. Not called when the member was fenced. */
  onRevoked(partitions: readonly TopicPartition[]): Promise<void>;
}

export interface GroupOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Topics that the member is going to write: what an earlier process of its slot left open there is ended before it joins. */
  readonly outputs?: readonly string[];
  /** Replica slot: stable across restarts of the same replica, part of the transactional id. */
  readonly slot: string;
  readonly listener: GroupListener;
}

export interface OffsetCommit extends PartitionOffset {
  readonly epoch: number;
}

export interface CommitUnit {
  readonly outputs: readonly OutputRecord[];
  /** Next offsets to read of partitions that advanced. */
  readonly offsets: readonly OffsetCommit[];
}

/** One consumer and one transactional producer. Not for concurrent `poll`s or concurrent `commit`s. */
export interface GroupMember {
  /** Records of assigned, unpaused partitions, in order per partition; empty when none came in `maxWaitMs`. */
  poll(request: MemberPollRequest): Promise<readonly StreamRecord[]>;
  /**
   * Atomic (L1). `LOG_ABORTED`: no effect, the same unit may be committed again. `LOG_FENCED`: another owner; leave.
   * `LOG_CLIENT_FAILED`: nothing can be said or done with this member any more; leave, and start again.
   * `LOG_UNAVAILABLE`: unknown for now; call again with the same unit.
   */
  commit(unit: CommitUnit): Promise<void>;
  /**
   * The end that the log has shown once all before it was polled; `undefined` when it has shown none, or more has come since.
   * Needed where offsets hold no record (transaction markers): behind the last record, `end - position` is no work.
   */
  caughtUpTo?(at: TopicPartition): bigint | undefined;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Gives the partitions back without calling the listener. Idempotent. */
  leave(): Promise<void>;
}

export type ReadFrom =
  | { readonly at: 'beginning' }
  | { readonly at: 'end' }
  | { readonly at: 'time'; readonly timestampMs: number }
  /** Only the partitions listed are read. */
  | { readonly at: 'offsets'; readonly offsets: readonly PartitionOffset[] };

/** Reads without a group: `tail`, tables rebuilt from a topic, tests. */
export interface LogReader {
  next(request: PollRequest): Promise<readonly StreamRecord[]>;
  /** Next offset to read, by partition. */
  positions(): readonly PartitionOffset[];
  close(): Promise<void>;
}

export interface Log {
  readonly admin: LogAdmin;
  /** `GROUP_IN_USE` when another live process holds the group on a log that allows one owner only. */
  join(options: GroupOptions): Promise<GroupMember>;
  /** Appends in one atomic step, outside any group. Resolves once durable. Returns where each record landed. */
  append(records: readonly OutputRecord[]): Promise<readonly PartitionOffset[]>;
  openReader(topics: readonly string[], from: ReadFrom): Promise<LogReader>;
  close(): Promise<void>;
}
