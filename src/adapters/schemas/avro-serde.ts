/**
 * A serde of one subject: writes the newest schema, reads every schema that it is compatible with.
 *
 * S1. What leaves is what would be accepted: the encoded bytes pass the same check as bytes that come in.
 * S2. Decoded records are turned into plain objects of the core's types; nothing of avsc's classes gets out.
 */
import type { Resolver, Type } from 'avsc';
import { FirstFiveError } from '../../core/errors.ts';
import type { SchemaRegistry, Serde } from '../../runtime/serde.ts';
import { type AvroCheck, avroCheck, undecodable } from './avro-check.ts';
import { avroType } from './avro-type.ts';
import { bodyOf, schemaIdOf, withSchemaId } from './wire-format.ts';

/** How a core type maps to the fields of its schema. `Raw` has the schema's shape, with null for what is absent. */
export interface RecordMapping<T, Raw> {
  toRaw(value: T): Raw;
  /** Throws what is wrong with the value. */
  fromRaw(raw: Raw): T;
}

export interface WriterSchema {
  readonly id: number;
  readonly schema: string;
}

interface Reader {
  readonly check: AvroCheck;
  /** `undefined` where the bytes were written with our own schema. */
  readonly resolver: Resolver | undefined;
}

export class AvroSerde<T, Raw> implements Serde<T> {
  readonly #registry: SchemaRegistry;
  readonly #writer: WriterSchema;
  readonly #type: Type;
  readonly #mapping: RecordMapping<T, Raw>;
  readonly #readers = new Map<number, Reader>();

  constructor(registry: SchemaRegistry, writer: WriterSchema, mapping: RecordMapping<T, Raw>) {
    this.#registry = registry;
    this.#writer = writer;
    this.#mapping = mapping;
    this.#type = avroType(writer.schema);
    this.#readers.set(writer.id, { check: avroCheck(writer.schema), resolver: undefined });
  }

  serialize(value: T): Uint8Array {
    const raw = this.#mapping.toRaw(value);
    const body = this.#encode(raw);
    this.#readers.get(this.#writer.id)?.check(body); // S1
    return withSchemaId(this.#writer.id, body);
  }

  deserialize(bytes: Uint8Array): T {
    return this.#mapping.fromRaw(this.deserializeRaw(bytes));
  }

  /** The fields as they lie in the record, before the value is validated. */
  deserializeRaw(bytes: Uint8Array, anyText = false): Raw {
    const reader = this.#reader(schemaIdOf(bytes));
    const body = bodyOf(bytes);
    reader.check(body, anyText);
    try {
      return this.#type.fromBuffer(body, reader.resolver) as Raw;
    } catch (thrown) {
      throw undecodable('the bytes do not follow their schema', thrown);
    }
  }

  prepare(bytes: Uint8Array): Promise<void> | undefined {
    const id = schemaIdOf(bytes);
    if (this.#readers.has(id) || this.#registry.known(id) !== undefined) return undefined;
    return this.#registry.lookUp(id).then(() => undefined);
  }

  #encode(raw: Raw): Buffer {
    try {
      return this.#type.toBuffer(raw);
    } catch (thrown) {
      // avsc's own message repeats the value, which may be personal text (E3): only the field's path is told.
      const paths: string[] = [];
      this.#type.isValid(raw, { errorHook: (path) => void paths.push(path.join('.')) });
      const where = paths[0] ?? thrown?.constructor?.name ?? 'unknown';
      throw new FirstFiveError('INTERNAL', `a ${this.#type.name} does not fit its schema at ${where}`);
    }
  }

  #reader(id: number): Reader {
    const known = this.#readers.get(id);
    if (known !== undefined) return known;
    const schema = this.#registry.known(id);
    if (schema === undefined)
      throw new FirstFiveError('SCHEMA_UNKNOWN', `the record names schema ${id}, which is not known`);
    const reader = this.#readerOf(id, schema);
    this.#readers.set(id, reader);
    return reader;
  }

  #readerOf(id: number, schema: string): Reader {
    try {
      return { check: avroCheck(schema), resolver: this.#type.createResolver(avroType(schema)) };
    } catch (thrown) {
      throw undecodable(`schema ${id} cannot be read as ${this.#type.name}`, thrown);
    }
  }
}
