/** Reads the range once: how many records and bytes it holds, and which of them the predicates choose. */
import type { PlannedPartition } from '../../../core/backfill-plan.ts';
import { OffsetSelection } from '../../../core/offset-selection.ts';
import { recordBytes } from '../../../core/record.ts';
import { type OffsetRange, readRange } from '../../../runtime/backfill/read-range.ts';
import type { Log } from '../../../runtime/log.ts';
import type { RecordPredicate } from './plan-filter.ts';

export interface RangeScan {
  readonly partitions: readonly PlannedPartition[];
  readonly counted: {
    readonly records: number;
    /** As `recordBytes` counts: key, value, headers and 64 more for each. */
    readonly bytes: number;
    readonly tombstones: number;
    readonly selected: number;
    readonly selectedBytes: number;
  };
}

export interface ScanRequest {
  readonly topic: string;
  readonly ranges: readonly OffsetRange[];
  readonly predicate: RecordPredicate | undefined;
  readonly onRecord: (records: number) => void;
  readonly signal: AbortSignal;
}

interface PartitionScan {
  readonly selection: OffsetSelection;
  previous: bigint | undefined;
  selected: number;
}

export async function scanRange(log: Log, request: ScanRequest): Promise<RangeScan> {
  const { topic, ranges, predicate, onRecord, signal } = request;
  const scans = new Map<number, PartitionScan>(
    ranges.map(({ partition }) => [
      partition,
      { selection: new OffsetSelection(), previous: undefined, selected: 0 },
    ]),
  );
  const counted = { records: 0, bytes: 0, tombstones: 0, selected: 0, selectedBytes: 0 };
  for await (const record of readRange(log, topic, ranges, signal)) {
    const scan = scans.get(record.partition);
    if (scan === undefined) continue;
    const isChosen = predicate === undefined || (await predicate(record));
    const bytes = recordBytes(record);
    counted.records += 1;
    counted.bytes += bytes;
    if (record.value === null) counted.tombstones += 1;
    if (predicate !== undefined) scan.selection.add(record.offset, isChosen, scan.previous);
    scan.previous = record.offset;
    if (isChosen) {
      scan.selected += 1;
      counted.selected += 1;
      counted.selectedBytes += bytes;
    }
    onRecord(counted.records);
  }
  const partitions = ranges.map(({ partition, start, end }) => {
    const { selection, selected } = scans.get(partition) ?? { selection: new OffsetSelection(), selected: 0 };
    const offsets = predicate === undefined ? {} : { offsets: selection.encoded() };
    return { partition, start, end, selected, ...offsets };
  });
  return { partitions, counted };
}
