/**
 * Records of retry topics: the original bytes, with what has happened so far in headers.
 *
 * Q1. Key and value are the record's own bytes, as in a dead letter; its own headers stand before ours.
 * Q2. Ours name the record's origin, not the retry topic that it waited in before: a dead letter or an output at the end
 *     of any number of tiers goes back to the same place.
 * Q3. It is stamped with the time of the failure: retention counts from then, however old the event is.
 */
import type { ErrorCode } from './errors.ts';
import { headerText, type OutputRecord, type RecordHeaders, type StreamRecord } from './record.ts';

export const RETRY_HEADERS = {
  /** Milliseconds since the epoch; not before then is the record tried again. */
  notBefore: 'ff-not-before',
  /** Which retry topic this is: 1 for the first. */
  tier: 'ff-retry',
  topic: 'ff-retry-topic',
  partition: 'ff-retry-partition',
  offset: 'ff-retry-offset',
  timestamp: 'ff-retry-timestamp',
  code: 'ff-retry-code',
  attempts: 'ff-retry-attempts',
  firstFailureAt: 'ff-retry-first-failure-at',
} as const;

const OURS: ReadonlySet<string> = new Set(Object.values(RETRY_HEADERS));

export interface RetryCause {
  /** The retry topic. */
  readonly topic: string;
  /** 1 for the first. */
  readonly tier: number;
  readonly delayMs: number;
  readonly code: ErrorCode;
  /** Attempts so far, those before an earlier stay included. */
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly firstFailureAt: number;
  readonly lastFailureAt: number;
}

export interface ParkedRecord {
  /** The record as it was: topic, partition, offset and timestamp of its origin, its bytes and its own headers. */
  readonly origin: StreamRecord;
  readonly attempts: number;
  readonly firstFailureAt: number;
}

/** Stays in its partition's number, so that whoever owns the input's partition owns what was parked of it. */
export function retryRecord(origin: StreamRecord, cause: RetryCause): OutputRecord {
  const ours: Record<keyof typeof RETRY_HEADERS, string | number | bigint> = {
    notBefore: Math.ceil(cause.lastFailureAt + cause.delayMs),
    tier: cause.tier,
    topic: origin.topic,
    partition: origin.partition,
    offset: origin.offset,
    timestamp: origin.timestamp,
    code: cause.code,
    attempts: cause.attempts,
    firstFailureAt: Math.floor(cause.firstFailureAt),
  };
  const encoder = new TextEncoder();
  const headers: [string, Uint8Array][] = ownHeaders(origin.headers).map(([name, value]) => [name, value]);
  for (const [field, name] of Object.entries(RETRY_HEADERS)) {
    headers.push([name, encoder.encode(String(ours[field as keyof typeof ours]))]);
  }
  const { partition, key, value } = origin;
  return { topic: cause.topic, partition, timestamp: Math.floor(cause.lastFailureAt), key, value, headers };
}

/** `undefined` when the headers are not ours: the record is then taken as it lies there. */
export function parseParked(record: StreamRecord): ParkedRecord | undefined {
  const { headers, key, value } = record;
  const topic = headerText(headers, RETRY_HEADERS.topic);
  const offset = headerText(headers, RETRY_HEADERS.offset) ?? '';
  const [partition, timestamp, attempts, firstFailureAt] = (
    ['partition', 'timestamp', 'attempts', 'firstFailureAt'] as const
  ).map((field) => wholeNumber(headers, RETRY_HEADERS[field]));
  if (topic === undefined || !/^\d{1,19}$/.test(offset)) return undefined;
  if (partition === undefined || timestamp === undefined) return undefined;
  if (attempts === undefined || firstFailureAt === undefined) return undefined;
  const origin = { topic, partition, offset: BigInt(offset), timestamp, key, value };
  return { origin: { ...origin, headers: ownHeaders(headers) }, attempts, firstFailureAt };
}

/** Milliseconds since the epoch; 0 when the header is missing or no number: due at once. */
export function notBefore(record: Pick<StreamRecord, 'headers'>): number {
  return wholeNumber(record.headers, RETRY_HEADERS.notBefore) ?? 0;
}

function ownHeaders(headers: RecordHeaders): RecordHeaders {
  return headers.filter(([name]) => !OURS.has(name));
}

function wholeNumber(headers: RecordHeaders, name: string): number | undefined {
  const text = headerText(headers, name);
  if (text === undefined || !/^-?\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
