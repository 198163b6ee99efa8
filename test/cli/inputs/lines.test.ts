import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLines } from '../../../src/cli/inputs/lines.ts';

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.byteLength; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function linesOf(text: string | Uint8Array, maxBytes = 100, sizes: readonly number[] = [7]) {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const found: [number, string | null][] = [];
  for await (const line of readLines(chunked(bytes, sizes), maxBytes)) {
    found.push([line.number, line.bytes === null ? null : new TextDecoder().decode(line.bytes)]);
  }
  return found;
}

describe('readLines', () => {
  it('counts lines as editors do, the empty ones too', async () => {
    expect(await linesOf('a\n\nb')).toEqual([
      [1, 'a'],
      [2, ''],
      [3, 'b'],
    ]);
  });

  it('drops a byte order mark and carriage returns', async () => {
    expect(await linesOf('\ufeffa\r\nb\r\n')).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  it('reports a line that is too long by its number, and reads on after it', async () => {
    expect(await linesOf(`a\n${'x'.repeat(500)}\nb\n${'y'.repeat(100)}`)).toEqual([
      [1, 'a'],
      [2, null],
      [3, 'b'],
      [4, 'y'.repeat(100)],
    ]);
  });

  it('finds the same lines whatever the chunks are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[a-z]{0,12}$/), { minLength: 1, maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (lines, sizes) => {
          const expected = lines.map((line, i): [number, string] => [i + 1, line]);
          expect(await linesOf(`${lines.join('\n')}\n`, 100, sizes)).toEqual(expected);
        },
      ),
    );
  });
});
