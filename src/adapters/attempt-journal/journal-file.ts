/**
 * Which files killed their decode child, on disk: an append-only list of deaths that outlives the process.
 *
 * J1. One line a death: `<milliseconds since the epoch> <identity> <what>`. An identity is 32 hex digits; `what` is an error
 *     code, or `ok` when the file was decoded after all, which clears it. A line that was cut off by a crash is passed over.
 * J2. A death is on disk (fdatasync) before `note` resolves, so before anyone acts on it. Deaths are rare; nothing else is
 *     written, and nothing at all for uploads that are decoded at once.
 * J3. Bounded: identities are forgotten after `keepMs`, and the oldest beyond `maxIdentities`. The file is rewritten (new file,
 *     fsync, rename) when it holds twice the lines that count, and at every opening.
 * J4. A disk that cannot be written stops no decoding: deaths are then counted in memory, and `onProblem` is told.
 * J5. One process writes a file; each replica has its own.
 */
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface AttemptJournal {
  /** Deaths of decode children that held it, and the code of the last one. */
  deaths(identity: string): { readonly count: number; readonly last: string | undefined };
  note(identity: string, what: string): Promise<void>;
  close(): Promise<void>;
}

export interface AttemptJournalOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly keepMs?: number;
  readonly maxIdentities?: number;
  readonly onProblem?: (thrown: unknown) => void;
}

interface Entry {
  count: number;
  at: number;
  last: string;
}

export const DECODED = 'ok';
const DEFAULT_KEEP_MS = 7 * 24 * 3_600_000;
const DEFAULT_MAX_IDENTITIES = 10_000;
const LINE = /^(\d{1,15}) ([0-9a-f]{32}) ([A-Za-z_]{1,40})$/;

/** Reads what is there and compacts it. A folder that cannot be made, or a file that cannot be read, is a problem, not an error. */
export async function openAttemptJournal(
  path: string,
  options: AttemptJournalOptions,
): Promise<AttemptJournal> {
  const journal = new JournalFile(path, options);
  await journal.open();
  return journal;
}

class JournalFile implements AttemptJournal {
  readonly #path: string;
  readonly #options: AttemptJournalOptions;
  readonly #keepMs: number;
  readonly #max: number;
  /** The latest death last. */
  readonly #entries = new Map<string, Entry>();
  #handle: FileHandle | undefined;
  #lines = 0;
  /** Writes go one after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, options: AttemptJournalOptions) {
    this.#path = path;
    this.#options = options;
    this.#keepMs = options.keepMs ?? DEFAULT_KEEP_MS;
    this.#max = options.maxIdentities ?? DEFAULT_MAX_IDENTITIES;
  }

  async open(): Promise<void> {
    await this.#guarded(async () => {
      await mkdir(dirname(this.#path), { recursive: true });
      for (const line of (await readFile(this.#path, 'utf8').catch(nothingThere)).split('\n')) {
        const [, at, identity, what] = LINE.exec(line) ?? [];
        if (identity !== undefined && what !== undefined) this.#count(identity, what, Number(at));
      }
      await this.#compact();
    });
  }

  deaths(identity: string): { readonly count: number; readonly last: string | undefined } {
    const entry = this.#entries.get(identity);
    if (entry === undefined || entry.at < this.#options.now() - this.#keepMs)
      return { count: 0, last: undefined };
    return { count: entry.count, last: entry.last };
  }

  note(identity: string, what: string): Promise<void> {
    const at = this.#options.now();
    this.#count(identity, what, at);
    this.#last = this.#last.then(() =>
      this.#guarded(async () => {
        await this.#handle?.appendFile(`${at} ${identity} ${what}\n`);
        await this.#handle?.datasync();
        if (++this.#lines > 2 * this.#entries.size + 64) await this.#compact();
      }),
    );
    return this.#last;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #count(identity: string, what: string, at: number): void {
    const before = this.#entries.get(identity);
    this.#entries.delete(identity);
    if (what !== DECODED) this.#entries.set(identity, { count: (before?.count ?? 0) + 1, at, last: what });
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#max && entry.at >= this.#options.now() - this.#keepMs) break;
      this.#entries.delete(oldest);
    }
  }

  /** What counts, as a new file in the old one's place. */
  async #compact(): Promise<void> {
    const lines = [...this.#entries].flatMap(([identity, { count, at, last }]) =>
      Array<string>(count).fill(`${at} ${identity} ${last}\n`),
    );
    const fresh = `${this.#path}.new`;
    const handle = await open(fresh, 'w', 0o600);
    try {
      await handle.writeFile(lines.join(''));
      await handle.sync();
      await rename(fresh, this.#path);
      await syncFolder(dirname(this.#path));
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
    await this.#handle?.close();
    this.#handle = handle;
    this.#lines = lines.length;
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#options.onProblem?.(thrown);
    }
  }
}

/** A rename is on disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function nothingThere(thrown: unknown): string {
  if ((thrown as { readonly code?: string }).code === 'ENOENT') return '';
  throw thrown;
}
