/**
 * One connection to the log's file.
 *
 * D1. A transaction runs from BEGIN to COMMIT without an `await`: nothing else of this process can come between.
 * D2. No statement is left open between calls, so no read transaction holds back the checkpoint of the WAL.
 * D3. A lock held by another process is waited for without blocking the event loop (beyond `BLOCKING_WAIT_MS` a try);
 *     after `busyDeadlineMs` it is `LOG_UNAVAILABLE`.
 * D4. Each call gives the event loop a turn: a caller that always finds work does not starve timers and sockets.
 * D5. A file that was removed or replaced under us is noticed: SQLite itself would go on writing into the void.
 *
 * Checkpoints: SQLite's automatic one, every `CHECKPOINT_PAGES` pages, in the commit that reaches the mark. The WAL file is
 * cut back to `WAL_LIMIT_BYTES` after one, and removed when the last connection closes.
 */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { FirstFiveError } from '../../core/errors.ts';
import { prepareLayout } from './layout.ts';
import { isBusy, toLogError } from './sqlite-errors.ts';

export type Synchronous = 'FULL' | 'NORMAL';

export interface DatabaseOptions {
  readonly path: string;
  readonly synchronous: Synchronous;
  readonly busyDeadlineMs: number;
}

const BLOCKING_WAIT_MS = 2;
/** How often a reader makes sure that its file is still the one at its path; a writer does so each time. */
const IDENTITY_CHECK_MS = 1_000;
const OPENING_WAIT_MS = 5_000;
const CHECKPOINT_PAGES = 2_000;
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;
const CACHE_KIB = 16 * 1024;

export class Database {
  readonly path: string;
  readonly raw: DatabaseSync;
  readonly #busyDeadlineMs: number;
  readonly #statements = new Map<string, StatementSync>();
  readonly #inode: number | undefined;
  #identityCheckedAt = 0;
  #closed = false;

  constructor(options: DatabaseOptions) {
    this.path = options.path;
    this.#busyDeadlineMs = options.busyDeadlineMs;
    this.raw = openFile(options);
    this.#inode = inodeOf(options.path);
  }

  /** The prepared statement of `sql`; rows come as arrays. Kept for the life of the connection. */
  statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.raw.prepare(sql);
    statement.setReturnArrays(true);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Runs `work` in one write transaction (D1, D3). What `work` throws rolls it back. */
  transact<T>(work: () => T): Promise<T> {
    return this.#retrying(() => {
      this.#requireSameFile(); // D5
      this.raw.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.raw.exec('COMMIT');
        return result;
      } catch (thrown) {
        this.#rollBack();
        throw thrown;
      }
    });
  }

  /** Runs reads; each statement is a snapshot of its own unless `work` asks for one. */
  read<T>(work: () => T): Promise<T> {
    return this.#retrying(() => {
      if (performance.now() - this.#identityCheckedAt > IDENTITY_CHECK_MS) this.#requireSameFile(); // D5
      return work();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#statements.clear();
    this.raw.close();
  }

  async #retrying<T>(work: () => T): Promise<T> {
    const deadline = performance.now() + this.#busyDeadlineMs;
    for (let tries = 1; ; tries++) {
      this.#requireOpen();
      try {
        const result = work();
        await nextTurn(); // D4
        return result;
      } catch (thrown) {
        if (!isBusy(thrown) || performance.now() > deadline) throw toLogError(thrown, this.path);
      }
      await delay(Math.min(tries, 5));
    }
  }

  /** A failed COMMIT has often rolled back by itself; a failed ROLLBACK must not hide what went wrong first. */
  #rollBack(): void {
    try {
      if (this.raw.isTransaction) this.raw.exec('ROLLBACK');
    } catch {
      // The next BEGIN meets the same trouble and reports it.
    }
  }

  #requireSameFile(): void {
    this.#identityCheckedAt = performance.now();
    if (inodeOf(this.path) === this.#inode) return;
    throw new FirstFiveError(
      'LOG_UNAVAILABLE',
      `the log ${this.path} was removed or replaced while it was in use; restart`,
    );
  }

  #requireOpen(): void {
    if (this.#closed) throw new FirstFiveError('LOG_UNAVAILABLE', `the log ${this.path} has been closed`);
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function openFile(options: DatabaseOptions): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    createPrivately(options.path);
    db = new DatabaseSync(options.path);
    db.exec(`PRAGMA busy_timeout = ${OPENING_WAIT_MS}`);
    // Before the first page is written; later it has no effect.
    db.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
    // What retention, compaction or an erasure removes is overwritten and does not linger in free pages.
    db.exec('PRAGMA secure_delete = ON');
    db.exec(`PRAGMA synchronous = ${options.synchronous}; PRAGMA cache_size = -${CACHE_KIB}`);
    db.exec(
      `PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`,
    );
    db.exec('BEGIN IMMEDIATE');
    prepareLayout(db, options.path);
    db.exec('COMMIT');
    db.exec(`PRAGMA busy_timeout = ${BLOCKING_WAIT_MS}`);
    return db;
  } catch (thrown) {
    db?.close();
    throw toLogError(thrown, options.path);
  }
}

/**
 * Titles lie in the log: only its owner may read it. `wx` never opens a file that exists: closing such a descriptor
 * would drop the POSIX locks that another connection of this process holds on it.
 */
function createPrivately(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, 'wx', 0o600));
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST') return;
    throw new FirstFiveError('LOG_UNAVAILABLE', `the log ${path} cannot be created: ${String(thrown)}`, {
      cause: thrown,
    });
  }
}
