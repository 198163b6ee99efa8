/** The one place where avsc types are made, with everything pinned that it would otherwise guess. */
import avsc, { type Type } from 'avsc';
import { FirstFiveError } from '../../core/errors.ts';
import type { SchemaVersion } from '../../runtime/serde.ts';

/**
 * Unions are never wrapped. Logical types stay their base type (`timestamp-millis` is a number of milliseconds): the core's
 * times are numbers.
 */
export function avroType(schema: string): Type {
  try {
    return avsc.Type.forSchema(JSON.parse(schema), { wrapUnions: 'never' });
  } catch (thrown) {
    throw new FirstFiveError('SCHEMA_INCOMPATIBLE', `not an Avro schema: ${String(thrown)}`, {
      cause: thrown,
    });
  }
}

/** Why `reader` cannot read what `writer` wrote; `undefined` when it can. */
export function incompatibility(reader: string, writer: string): string | undefined {
  try {
    avroType(reader).createResolver(avroType(writer));
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** Throws `SCHEMA_INCOMPATIBLE` when a new version of a subject could not read what an earlier one wrote. */
export function requireReads(subject: string, schema: string, earlier: SchemaVersion): void {
  const reason = incompatibility(schema, earlier.schema);
  if (reason === undefined) return;
  throw new FirstFiveError(
    'SCHEMA_INCOMPATIBLE',
    `${subject}: the new schema cannot read version ${earlier.version}: ${reason}`,
  );
}
