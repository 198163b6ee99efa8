/**
 * The one member of a group: it takes all partitions of its topics.
 *
 * M1. The group's lock is held from `join` to `leave` or the death of the process.
 * M2. A commit checks the group's epoch inside its own transaction. Should the lock ever be lost (its file removed by
 *     hand), the former owner is fenced all the same.
 * M3. A commit of unknown outcome is told apart by the group's commit count, so that committing the unit again never doubles
 *     it. A member that goes on with another unit, although the doubtful one did take place, is fenced: it would write the
 *     outputs of records again.
 */
import { FirstFiveError } from '../../core/errors.ts';
import { partitionKey, type StreamRecord, type TopicPartition } from '../../core/record.ts';
import type { CommitUnit, GroupMember, GroupOptions, MemberPollRequest } from '../../runtime/log.ts';
import type { Appender } from './appender.ts';
import type { PartitionRef } from './catalog.ts';
import type { Database } from './database.ts';
import { type Cursor, fetchRecords, type PartitionBounds, partitionBounds } from './fetch.ts';
import type { GroupLock } from './group-lock.ts';
import { committedOffset, countCommit, type GroupOwner, readOwner, saveOffsets } from './groups.ts';
import { waitForRecords } from './wait-for-records.ts';
import type { WakeUp } from './wake-up.ts';

export interface MemberParts {
  readonly db: Database;
  readonly appender: Appender;
  readonly wakeUp: WakeUp;
  readonly lock: GroupLock;
  readonly owner: GroupOwner;
  readonly refs: readonly PartitionRef[];
  readonly onLeft: (member: GroupMember) => void;
}

export class SqliteGroupMember implements GroupMember {
  readonly #parts: MemberParts;
  readonly #options: GroupOptions;
  readonly #cursors: ReadonlyMap<string, Cursor>;
  readonly #paused = new Set<string>();
  #assigned = false;
  #left = false;
  #turn = 0;
  #commits: number;
  /** A commit whose outcome is unknown (M3). */
  #doubtful: CommitUnit | undefined;

  /** Inside a transaction: reads where the group stands. */
  constructor(options: GroupOptions, parts: MemberParts) {
    this.#options = options;
    this.#parts = parts;
    this.#commits = parts.owner.commits;
    this.#cursors = new Map(
      parts.refs.map((ref) => [
        partitionKey(ref),
        { ref, position: startingPosition(parts.db, options.groupId, ref) },
      ]),
    );
  }

  async poll(request: MemberPollRequest): Promise<readonly StreamRecord[]> {
    await this.#announceAssignment();
    const { db, wakeUp } = this.#parts;
    return waitForRecords(wakeUp, request, async () => {
      if (this.#left) return undefined;
      return db.read(() =>
        fetchRecords(db, this.#readable(request.topics), request, (at, bounds) =>
          this.#overtaken(at, bounds),
        ),
      );
    });
  }

  async commit(unit: CommitUnit): Promise<void> {
    this.#requireOwned(unit);
    const { db, appender, wakeUp, owner } = this.#parts;
    const { groupId } = this.#options;
    const doubtful = this.#doubtful;
    this.#doubtful = unit;
    this.#commits = await db.transact(() => {
      const now = readOwner(db, groupId);
      if (now === undefined || now.epoch !== owner.epoch) throw this.#fenced(now); // M2
      if (now.commits > this.#commits) {
        if (doubtful === undefined || !isSameUnit(doubtful, unit)) throw this.#fenced(now);
        return now.commits; // M3: it took place
      }
      appender.append(unit.outputs);
      saveOffsets(db, groupId, unit.offsets);
      countCommit(db, groupId);
      return now.commits + 1;
    });
    this.#doubtful = undefined;
    wakeUp.announce();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#paused.add(partitionKey(at));
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#paused.delete(partitionKey(at));
    this.#parts.wakeUp.announce();
  }

  async leave(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    this.#parts.lock.release();
    this.#parts.onLeft(this);
    this.#parts.wakeUp.announce();
  }

  async #announceAssignment(): Promise<void> {
    if (this.#assigned || this.#left) return;
    const { epoch } = this.#parts.owner;
    await this.#options.listener.onAssigned(
      [...this.#cursors.values()].map(({ ref, position }) => ({
        topic: ref.topic,
        partition: ref.partition,
        epoch,
        position: BigInt(position),
      })),
    );
    this.#assigned = true; // Only now: a listener that failed is called again.
  }

  /** Unpaused partitions, starting with another one each time so that none waits for ever behind a busy one. */
  #readable(topics: MemberPollRequest['topics']): Cursor[] {
    const readable: Cursor[] = [];
    for (const [key, cursor] of this.#cursors) {
      if (!this.#paused.has(key) && topics?.includes(cursor.ref.topic) !== false) readable.push(cursor);
    }
    const first = this.#turn++ % Math.max(1, readable.length);
    return [...readable.slice(first), ...readable.slice(0, first)];
  }

  #overtaken({ ref, position }: Cursor, bounds: PartitionBounds): never {
    throw outOfRange(this.#options.groupId, ref, position, bounds);
  }

  #requireOwned(unit: CommitUnit): void {
    if (this.#left) throw this.#fenced(undefined);
    for (const at of unit.offsets) {
      if (at.epoch !== this.#parts.owner.epoch || !this.#cursors.has(partitionKey(at))) {
        throw new FirstFiveError(
          'LOG_FENCED',
          `group ${this.#options.groupId}: ${partitionKey(at)} with epoch ${at.epoch} is not this member's`,
        );
      }
    }
  }

  #fenced(now: GroupOwner | undefined): FirstFiveError {
    const moved =
      now?.epoch === this.#parts.owner.epoch ? 'has committed more than this member knows' : undefined;
    const by = now === undefined ? 'has been left' : (moved ?? `is owned by process ${now.pid} now`);
    return new FirstFiveError(
      'LOG_FENCED',
      `group ${this.#options.groupId} ${by}; slot ${this.#options.slot} must stop`,
    );
  }
}

/** The same next offsets mean the same records, and so the same outputs. */
function isSameUnit(a: CommitUnit, b: CommitUnit): boolean {
  if (a === b) return true;
  const key = ({ offsets }: CommitUnit) => offsets.map((at) => `${partitionKey(at)}@${at.offset}`).sort();
  return a.offsets.length > 0 && key(a).join() === key(b).join();
}

function startingPosition(db: Database, groupId: string, ref: PartitionRef): number {
  const bounds = partitionBounds(db, ref);
  const committed = committedOffset(db, groupId, ref);
  if (committed === undefined) return bounds.start;
  if (committed < bounds.start || committed > bounds.end) throw outOfRange(groupId, ref, committed, bounds);
  return committed;
}

function outOfRange(
  groupId: string,
  ref: PartitionRef,
  position: number,
  bounds: PartitionBounds,
): FirstFiveError {
  return new FirstFiveError(
    'OFFSET_OUT_OF_RANGE',
    `group ${groupId} stands at offset ${position} of ${partitionKey(ref)}, which holds ${bounds.start} to ${bounds.end}: ` +
      'retention removed records before they were read. Use a new group to go on from what is left, and a longer retention',
  );
}
