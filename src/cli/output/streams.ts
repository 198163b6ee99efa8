/** Writing to stdout and stderr: lines, objects, backpressure. */
import type { Writable } from 'node:stream';

/** stdout or stderr; `isTTY` and `columns` are there when it is a terminal. */
export type CliStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Resolves when the stream takes more: a slow reader of stdout slows the work instead of filling the memory. */
export async function writeLine(stream: CliStream, line: string): Promise<void> {
  if (stream.destroyed || stream.write(`${line}\n`)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}

/** One JSON object on one line. */
export function writeJson(stream: CliStream, value: object): Promise<void> {
  return writeLine(stream, toJson(value));
}

/**
 * `JSON.stringify` that knows bigints (a number where it is exact, else a string), refuses NaN, which JSON would hide, and
 * escapes the controls that JSON lets through (DEL and C1: a terminal acts on them).
 */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value, (key, inner: unknown) => {
    if (typeof inner === 'bigint') {
      const number = Number(inner);
      return Number.isSafeInteger(number) ? number : inner.toString();
    }
    if (typeof inner === 'number' && !Number.isFinite(inner)) {
      throw new RangeError(`${key} is ${inner}, which JSON cannot say`);
    }
    return inner;
  });
  return text.replace(/[\u007f-\u009f]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`);
}

/** Terminal width; 80 columns where there is no terminal. */
export function columnsOf(stream: CliStream): number {
  return stream.columns !== undefined && stream.columns > 0 ? stream.columns : 80;
}
