/**
 * Ports: how values become bytes, and where their schemas are agreed. Adapter: `schemas` (Avro in the Confluent wire
 * format: 0x00, schema id as 4 bytes big-endian, Avro binary).
 */

/** Pairs of functions between values and a record's bytes. Both are synchronous and keep nothing. */
export interface Serde<T> {
  /** Throws `VALUE_NOT_FINITE`, or what is wrong with the value (`UPLOAD_INVALID`, ...). */
  serialize(value: T): Uint8Array;
  /**
   * Throws `RECORD_UNDECODABLE`, `TEXT_NOT_UTF8`, `TEXT_TOO_LARGE`, `VALUE_NOT_FINITE`, or what is wrong with the value; and
   * `SCHEMA_UNKNOWN` when the bytes name a schema that is not here yet: `prepare` would have fetched it.
   */
  deserialize(bytes: Uint8Array): T;
  /**
   * Fetches the schema that the bytes name; `undefined` when there is nothing to wait for, which is the rule. Rejects with
   * `SCHEMA_UNKNOWN` (the registry has none; retryable) or `REGISTRY_UNAVAILABLE` (systemic).
   */
  prepare(bytes: Uint8Array): Promise<void> | undefined;
}

export interface SchemaVersion {
  readonly subject: string;
  /** From 1, without gaps. */
  readonly version: number;
  readonly id: number;
  /** Avro schema as JSON text. */
  readonly schema: string;
}

/**
 * Schemas by id, and by subject and version. A subject is `<topic>-value` (TopicNameStrategy). Versions never change, and
 * each can read all earlier ones (BACKWARD_TRANSITIVE): topics are replayed from their beginning.
 */
export interface SchemaRegistry {
  /** The schema of an id that is already in memory; never waits. */
  known(id: number): string | undefined;
  /** Brings an id into memory. `SCHEMA_UNKNOWN` or `REGISTRY_UNAVAILABLE`. */
  lookUp(id: number): Promise<string>;
  /**
   * Id of this very schema under the subject, added as its next version when it is new. `SCHEMA_INCOMPATIBLE` when it could
   * not read every earlier version, or may not be added; `REGISTRY_UNAVAILABLE`.
   */
  register(subject: string, schema: string): Promise<number>;
  /** All versions, oldest first; empty for an unknown subject. */
  versions(subject: string): Promise<readonly SchemaVersion[]>;
}
