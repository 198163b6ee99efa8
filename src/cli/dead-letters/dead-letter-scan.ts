/** Reads a dead-letter topic from its beginning to the end it has now. */
import { type DeadLetter, parseDeadLetter } from '../../core/dead-letter.ts';
import type { StreamRecord } from '../../core/record.ts';
import type { Log } from '../../runtime/log.ts';
import { readToEnd } from '../read-to-end.ts';

export interface StoredDeadLetter {
  /** `PARTITION/OFFSET` in the dead-letter topic: what `dlq show` takes. */
  readonly id: string;
  readonly letter: DeadLetter;
  /** The record's key as text: the uploadId on every topic of the pipeline. `null` when it has no key, or one that is no text. */
  readonly upload: string | null;
}

/** Records of the topic that are not dead letters of ours are left out. */
export async function* deadLetters(log: Log, topic: string): AsyncGenerator<StoredDeadLetter> {
  for await (const record of readToEnd(log, topic)) {
    const letter = parseDeadLetter(record);
    if (letter !== undefined) yield { id: recordId(record), letter, upload: keyText(record.key) };
  }
}

export function recordId(at: Pick<StreamRecord, 'partition' | 'offset'>): string {
  return `${at.partition}/${at.offset}`;
}

export function keyText(key: Uint8Array | null): string | null {
  if (key === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(key);
  } catch {
    return null;
  }
}
