/** Headers that every output of a stage carries beside its schema'd value: what is read without decoding. */
import type { RecordHeaders, StreamRecord } from '../core/record.ts';
import { headerText } from '../core/record.ts';
import type { Lane } from '../core/upload.ts';

export const REVISION_HEADER = 'ff-revision';
export const TIER_HEADER = 'ff-tier';
export const LANE_HEADER = 'ff-lane';
/** `topic/partition/offset` of the record that an output was made from. */
export const SOURCE_HEADER = 'ff-source';

export interface OutputOrigin {
  readonly source: StreamRecord;
  readonly lane: Lane;
  readonly revision: number;
  readonly tier?: number;
}

export function outputHeaders({ source, lane, revision, tier }: OutputOrigin): RecordHeaders {
  const encoder = new TextEncoder();
  const headers: [string, Uint8Array][] = [
    [SOURCE_HEADER, encoder.encode(`${source.topic}/${source.partition}/${source.offset}`)],
    [LANE_HEADER, encoder.encode(lane)],
    [REVISION_HEADER, encoder.encode(String(revision))],
  ];
  if (tier !== undefined) headers.push([TIER_HEADER, encoder.encode(String(tier))]);
  return headers;
}

/** The origin that `outputHeaders` wrote, in its text form. */
export function sourceOf(headers: RecordHeaders): string | undefined {
  return headerText(headers, SOURCE_HEADER);
}
