/**
 * The embedded log: one SQLite file (WAL) that many processes of one machine share. Appends and commits are durable when they
 * resolve (`synchronous: 'FULL'`); with `'NORMAL'` a power cut, but no crash of a process, may take the last ones back
 * whole. docs/specs/log.md has the layout and the guarantees.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FirstFiveError } from '../../core/errors.ts';
import type { OutputRecord } from '../../core/record.ts';
import type {
  GroupMember,
  GroupOptions,
  Log,
  LogAdmin,
  LogReader,
  PartitionOffset,
  ReadFrom,
} from '../../runtime/log.ts';
import { SqliteLogAdmin } from './admin.ts';
import { Appender } from './appender.ts';
import { Catalog } from './catalog.ts';
import { Database, type Synchronous } from './database.ts';
import { type GroupLock, tryLockGroup } from './group-lock.ts';
import { SqliteGroupMember } from './group-member.ts';
import { readOwner, takeOwnership } from './groups.ts';
import { readerCursors, SqliteLogReader } from './log-reader.ts';
import { WakeUp } from './wake-up.ts';

export interface SqliteLogOptions {
  /** The file; its folder is created. `<path>-wal`, `-shm` and `-groups/` lie beside it. */
  readonly path: string;
  readonly synchronous?: Synchronous;
  /** Largest key plus value. Headers do not count: a dead letter, which adds headers, fits wherever its input did. */
  readonly maxRecordBytes?: number;
  /** How often a waiting reader looks for commits of other processes. */
  readonly wakeIntervalMs?: number;
  /** How long other processes may keep the file busy before a call fails with `LOG_UNAVAILABLE`. */
  readonly busyDeadlineMs?: number;
  /** Milliseconds since the epoch; decides what retention removes. */
  readonly now?: () => number;
}

const DEFAULTS = {
  synchronous: 'FULL',
  maxRecordBytes: 16 * 1024 * 1024,
  wakeIntervalMs: 10,
  busyDeadlineMs: 10_000,
} as const;

/** How long a loser of the race for a group waits for the winner to write its pid down, for the message. */
const OWNER_TRIES = 10;
const OWNER_WAIT_MS = 10;

/**
 * Opens or creates the log. `LOG_UNAVAILABLE`: the file cannot be used, and the message says what to do about it.
 * `CONFIG_INVALID`: it is another program's database, or of a newer layout.
 */
export async function openSqliteLog(options: SqliteLogOptions): Promise<Log> {
  return new SqliteLog({ ...DEFAULTS, now: Date.now, ...options });
}

class SqliteLog implements Log {
  readonly admin: LogAdmin;
  readonly #db: Database;
  readonly #catalog: Catalog;
  readonly #appender: Appender;
  readonly #wakeUp: WakeUp;
  readonly #members = new Set<GroupMember>();

  constructor(options: Required<SqliteLogOptions>) {
    this.#db = new Database(options);
    this.#catalog = new Catalog(this.#db);
    this.#appender = new Appender(this.#db, this.#catalog, options);
    this.#wakeUp = new WakeUp(this.#db, options.wakeIntervalMs);
    this.admin = new SqliteLogAdmin(this.#db, this.#catalog, options.now);
  }

  async join(options: GroupOptions): Promise<GroupMember> {
    const lock = tryLockGroup(this.#db.path, options.groupId);
    if (lock === undefined) throw await this.#groupInUse(options.groupId);
    try {
      return await this.#joinLocked(options, lock);
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  }

  async append(records: readonly OutputRecord[]): Promise<readonly PartitionOffset[]> {
    if (records.length === 0) return [];
    const landed = await this.#db.transact(() => this.#appender.append(records));
    this.#wakeUp.announce();
    return landed;
  }

  openReader(topics: readonly string[], from: ReadFrom): Promise<LogReader> {
    return this.#db.read(() => {
      const cursors = readerCursors(this.#db, this.#catalog, topics, from);
      return new SqliteLogReader(this.#db, this.#wakeUp, cursors);
    });
  }

  async close(): Promise<void> {
    for (const member of this.#members) await member.leave();
    this.#db.close();
    this.#wakeUp.close();
  }

  async #joinLocked(options: GroupOptions, lock: GroupLock): Promise<GroupMember> {
    const member = await this.#db.transact(() => {
      const refs = options.topics.flatMap((topic) => this.#catalog.topic(topic).refs);
      const owner = takeOwnership(this.#db, options.groupId, options.slot);
      const parts = { db: this.#db, appender: this.#appender, wakeUp: this.#wakeUp, lock, owner, refs };
      return new SqliteGroupMember(options, { ...parts, onLeft: (left) => this.#members.delete(left) });
    });
    this.#members.add(member);
    return member;
  }

  async #groupInUse(groupId: string): Promise<FirstFiveError> {
    let pid = await this.#ownerPid(groupId);
    for (let tries = 1; tries < OWNER_TRIES && (pid === undefined || !isAlive(pid)); tries++) {
      await delay(OWNER_WAIT_MS);
      pid = await this.#ownerPid(groupId);
    }
    const owner =
      pid === undefined ? 'another process' : pid === process.pid ? 'this very process' : `process ${pid}`;
    return new FirstFiveError(
      'GROUP_IN_USE',
      `the group ${groupId} of the log ${this.#db.path} is in use by ${owner}; stop that pipeline first, or use another log`,
    );
  }

  #ownerPid(groupId: string): Promise<number | undefined> {
    return this.#db.read(() => readOwner(this.#db, groupId)?.pid);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}
