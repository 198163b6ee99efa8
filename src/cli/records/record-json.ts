/** Parts of a record as JSON values. */
import type { RecordHeaders } from '../../core/record.ts';

/** Header values as text where they are UTF-8, else as `base64:…`; of a name given twice the last value. */
export function headersJson(headers: RecordHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(headers.map(([name, value]) => [name, textOrBase64(value)]));
}

export function textOrBase64(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return `base64:${Buffer.from(bytes).toString('base64')}`;
  }
}
