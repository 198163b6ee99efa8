/** float32 vectors as little-endian bytes, whatever the byte order of the machine. */
import { FirstFiveError } from '../../core/errors.ts';
import { undecodable } from './avro-check.ts';

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** On a little-endian machine a view of the vector, else a copy. Throws `VALUE_NOT_FINITE`. */
export function floatsToBytes(values: Float32Array): Buffer {
  requireFinite(values);
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return LITTLE_ENDIAN ? bytes : Buffer.from(bytes).swap32();
}

/** Always a copy: records do not align their fields. */
export function bytesToFloats(bytes: Uint8Array, count: number): Float32Array {
  if (count < 0 || bytes.byteLength !== count * 4) {
    throw undecodable(`a vector of ${count} numbers has ${bytes.byteLength} bytes`);
  }
  const values = new Float32Array(count);
  const target = Buffer.from(values.buffer);
  target.set(bytes);
  if (!LITTLE_ENDIAN) target.swap32();
  requireFinite(values);
  return values;
}

function requireFinite(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]))
      throw new FirstFiveError('VALUE_NOT_FINITE', `number ${i} of a vector is not finite`);
  }
}
