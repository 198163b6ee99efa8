/** Records between the client's shape and ours. */
import type { RecordHeaders, StreamRecord } from '../../core/record.ts';
import type { ClientMessage } from './client.ts';

const NO_HEADERS: RecordHeaders = Object.freeze([]);

export function toStreamRecord(message: ClientMessage): StreamRecord {
  return {
    topic: message.topic,
    partition: message.partition,
    offset: BigInt(message.offset),
    timestamp: message.timestamp,
    key: message.key,
    value: message.value,
    headers: message.headers === undefined ? NO_HEADERS : fromClientHeaders(message.headers),
  };
}

/** `undefined` where there are none: the client then makes no list. */
export function toClientHeaders(
  headers: RecordHeaders,
): readonly Readonly<Record<string, Uint8Array>>[] | undefined {
  if (headers.length === 0) return undefined;
  return headers.map(([name, value]) => ({ [name]: value }));
}

function fromClientHeaders(headers: NonNullable<ClientMessage['headers']>): RecordHeaders {
  const pairs: (readonly [string, Uint8Array])[] = [];
  for (const header of headers) {
    for (const name in header) {
      const value = header[name];
      if (value !== undefined) pairs.push([name, value]);
    }
  }
  return pairs;
}
