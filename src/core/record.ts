/** Records of a log: bytes at an offset, with Kafka's parts and Kafka's names. Immutable once made. */

/** Duplicates are allowed, as in Kafka; where one value is wanted the last one wins. */
export type RecordHeaders = readonly (readonly [name: string, value: Uint8Array])[];

export interface StreamRecord {
  readonly topic: string;
  readonly partition: number;
  /** Position in the partition. Offsets grow but need not be contiguous (compaction, transaction markers). */
  readonly offset: bigint;
  /** Event time, milliseconds since the epoch. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  /** `null` is a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers: RecordHeaders;
}

/** A record not yet in the log. Without `partition`, the log places it by murmur2 of the key (Kafka's rule). */
export interface OutputRecord {
  readonly topic: string;
  readonly partition?: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: RecordHeaders;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** The one string form of a topic partition, used as a map key and in messages. */
export function partitionKey(at: TopicPartition): string {
  return `${at.topic}-${at.partition}`;
}

export function headerText(headers: RecordHeaders, name: string): string | undefined {
  for (let i = headers.length - 1; i >= 0; i--) {
    const entry = headers[i];
    if (entry !== undefined && entry[0] === name) return new TextDecoder().decode(entry[1]);
  }
  return undefined;
}

/** Approximate size in memory and on the wire, in bytes; what backpressure counts. */
export function recordBytes(record: Pick<StreamRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = (record.key?.byteLength ?? 0) + (record.value?.byteLength ?? 0) + 64;
  for (const [name, value] of record.headers) bytes += name.length + value.byteLength;
  return bytes;
}
