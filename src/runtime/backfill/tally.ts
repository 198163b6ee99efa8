/**
 * Counts what each commit of a backfill settles, from what was taken in and what goes out. Pure bookkeeping: the counters
 * are written in the commit's own transaction, so a crash leaves either both or neither.
 *
 * T1. `after` changes nothing: a unit of unknown outcome is committed again and must give the same counters.
 */
import {
  addCounts,
  type BackfillCounts,
  type BackfillProgress,
  NO_COUNTS,
} from '../../core/backfill-progress.ts';
import { DEAD_LETTER_HEADERS } from '../../core/dead-letter.ts';
import {
  headerText,
  type OutputRecord,
  partitionKey,
  recordBytes,
  type StreamRecord,
  type TopicPartition,
} from '../../core/record.ts';
import type { CommitUnit } from '../log.ts';
import { rejectionOf, TIER_HEADER } from '../record-headers.ts';

export interface TallyOptions {
  /** Where the last step's results go. */
  readonly results: string;
  readonly deadLetters: string;
  readonly isSelected: (record: StreamRecord) => boolean;
  /** The last counters of this slot, when it ran before. */
  readonly before: BackfillProgress | undefined;
}

interface Taken {
  readonly offset: bigint;
  readonly kind: 'filtered' | 'tombstone' | 'work' | { readonly rejected: string };
  readonly bytes: number;
}

export class Tally {
  readonly #options: TallyOptions;
  readonly #taken = new Map<string, Taken[]>();
  #progress: BackfillProgress;
  #busySince: number | undefined;

  constructor(options: TallyOptions) {
    this.#options = options;
    this.#progress = options.before ?? { counts: NO_COUNTS, bytes: 0, activeMs: 0, at: 0 };
  }

  get progress(): BackfillProgress {
    return this.#progress;
  }

  /** Records taken in and not committed. */
  get pending(): number {
    let records = 0;
    for (const taken of this.#taken.values()) records += taken.length;
    return records;
  }

  take(record: StreamRecord, now: number): void {
    const key = partitionKey(record);
    const taken = this.#taken.get(key) ?? [];
    taken.push({ offset: record.offset, kind: this.#kindOf(record), bytes: recordBytes(record) });
    this.#taken.set(key, taken);
    this.#busySince ??= now;
  }

  /** The partitions are read again from what was committed. */
  forget(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#taken.delete(partitionKey(at));
  }

  /** The counters as they stand once the unit is committed (T1). */
  after(unit: CommitUnit, now: number): BackfillProgress {
    const settled = unit.offsets.flatMap((at) =>
      (this.#taken.get(partitionKey(at)) ?? []).filter(({ offset }) => offset < at.offset),
    );
    return {
      counts: addCounts(this.#progress.counts, countsOf(settled, unit.outputs, this.#options)),
      bytes: settled.reduce((sum, { bytes }) => sum + bytes, this.#progress.bytes),
      activeMs: this.#progress.activeMs + Math.max(0, now - (this.#busySince ?? now)),
      at: now,
    };
  }

  /** The unit was committed. */
  adopt(unit: CommitUnit, progress: BackfillProgress): void {
    for (const at of unit.offsets) {
      const key = partitionKey(at);
      const left = (this.#taken.get(key) ?? []).filter(({ offset }) => offset >= at.offset);
      this.#taken.set(key, left);
    }
    this.#progress = progress;
    this.#busySince = this.pending === 0 ? undefined : progress.at;
  }

  #kindOf(record: StreamRecord): Taken['kind'] {
    if (!this.#options.isSelected(record)) return 'filtered';
    if (record.value !== null) return 'work';
    const rejection = rejectionOf(record);
    return rejection === undefined ? 'tombstone' : { rejected: rejection.code };
  }
}

function countsOf(
  settled: readonly Taken[],
  outputs: readonly OutputRecord[],
  { results, deadLetters }: TallyOptions,
): BackfillCounts {
  const rejected: Record<string, number> = {};
  const reject = (code: string) => {
    rejected[code] = (rejected[code] ?? 0) + 1;
  };
  let letters = 0;
  let scored = 0;
  for (const { topic, value, headers } of outputs) {
    if (topic === deadLetters) {
      letters += 1;
      reject(headerText(headers, DEAD_LETTER_HEADERS.code) ?? 'UNKNOWN');
    } else if (topic === results && value !== null && headerText(headers, TIER_HEADER) !== '0') scored += 1;
  }
  const of = (kind: Taken['kind']) => settled.filter((taken) => taken.kind === kind).length;
  for (const { kind } of settled) if (typeof kind === 'object') reject(kind.rejected);
  return {
    filtered: of('filtered'),
    tombstones: of('tombstone'),
    scored,
    rejected,
    superseded: Math.max(0, of('work') - scored - letters),
  };
}
