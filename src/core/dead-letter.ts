/**
 * Dead letters: the original bytes, untouched, with their provenance in headers.
 *
 * D1. Key and value are the record's own bytes; nothing is re-encoded, so a redrive is the record again.
 * D2. The record's own headers are kept; ours stand after them under names of their own.
 * D3. A dead letter of a dead letter's redrive replaces our headers: they describe the last failure.
 */
import { type ErrorCode, isErrorCode } from './errors.ts';
import { headerText, type OutputRecord, type RecordHeaders, type StreamRecord } from './record.ts';

export const DEAD_LETTER_HEADERS = {
  topic: 'ff-dlq-topic',
  partition: 'ff-dlq-partition',
  offset: 'ff-dlq-offset',
  timestamp: 'ff-dlq-timestamp',
  stage: 'ff-dlq-stage',
  code: 'ff-dlq-code',
  message: 'ff-dlq-message',
  attempts: 'ff-dlq-attempts',
  firstFailureAt: 'ff-dlq-first-failure-at',
  lastFailureAt: 'ff-dlq-last-failure-at',
} as const;

const PREFIX = 'ff-dlq-';
const MAX_MESSAGE_CHARACTERS = 1_000;

export interface DeadLetterCause {
  /** The dead-letter topic. */
  readonly topic: string;
  readonly stage: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly firstFailureAt: number;
  readonly lastFailureAt: number;
}

export interface DeadLetter {
  /** The record as it was: topic, partition, offset and timestamp of its origin, its bytes and its own headers. */
  readonly origin: StreamRecord;
  readonly stage: string;
  readonly code: ErrorCode | 'UNKNOWN';
  readonly message: string;
  readonly attempts: number;
  readonly firstFailureAt: number;
  readonly lastFailureAt: number;
}

export function deadLetterRecord(record: StreamRecord, cause: DeadLetterCause): OutputRecord {
  const ours: Record<keyof typeof DEAD_LETTER_HEADERS, string | number | bigint> = {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestamp,
    stage: cause.stage,
    code: cause.code,
    message: cause.message.slice(0, MAX_MESSAGE_CHARACTERS),
    attempts: cause.attempts,
    firstFailureAt: cause.firstFailureAt,
    lastFailureAt: cause.lastFailureAt,
  };
  const encoder = new TextEncoder();
  const headers: [string, Uint8Array][] = ownHeaders(record.headers).map(([name, value]) => [name, value]);
  for (const [field, name] of Object.entries(DEAD_LETTER_HEADERS)) {
    headers.push([name, encoder.encode(String(ours[field as keyof typeof ours]))]);
  }
  return {
    topic: cause.topic,
    timestamp: cause.lastFailureAt,
    key: record.key,
    value: record.value,
    headers,
  };
}

/** `undefined` when the record is not a dead letter of ours. */
export function parseDeadLetter(record: StreamRecord): DeadLetter | undefined {
  const read = (field: keyof typeof DEAD_LETTER_HEADERS) =>
    headerText(record.headers, DEAD_LETTER_HEADERS[field]);
  const topic = read('topic');
  const offset = read('offset');
  if (topic === undefined || offset === undefined || !/^\d+$/.test(offset)) return undefined;
  const code = read('code') ?? '';
  return {
    origin: {
      topic,
      partition: Number(read('partition')),
      offset: BigInt(offset),
      timestamp: Number(read('timestamp')),
      key: record.key,
      value: record.value,
      headers: ownHeaders(record.headers),
    },
    stage: read('stage') ?? '',
    code: isErrorCode(code) ? code : 'UNKNOWN',
    message: read('message') ?? '',
    attempts: Number(read('attempts')),
    firstFailureAt: Number(read('firstFailureAt')),
    lastFailureAt: Number(read('lastFailureAt')),
  };
}

function ownHeaders(headers: RecordHeaders): RecordHeaders {
  return headers.filter(([name]) => !name.startsWith(PREFIX));
}
