/** Confluent wire format: magic byte 0, schema id as 4 bytes big-endian, body. */
import { undecodable } from './avro-check.ts';

const PREFIX_BYTES = 5;
const MAGIC = 0;

export function schemaIdOf(bytes: Uint8Array): number {
  if (bytes.byteLength < PREFIX_BYTES)
    throw undecodable(`${bytes.byteLength} bytes are too few for a record`);
  if (bytes[0] !== MAGIC) throw undecodable('the first byte is not 0, as the Confluent wire format has it');
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
}

/** A view, not a copy. */
export function bodyOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + PREFIX_BYTES, bytes.byteLength - PREFIX_BYTES);
}

export function withSchemaId(id: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PREFIX_BYTES + body.byteLength);
  new DataView(bytes.buffer).setUint32(1, id);
  bytes.set(body, PREFIX_BYTES);
  return bytes;
}
