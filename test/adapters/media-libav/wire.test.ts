import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameParser, frameHead } from '../../../src/adapters/media-libav/wire.ts';

describe('frames over a pipe', () => {
  it('come out as they went in, however the stream is cut', () => {
    const message = fc.record({ text: fc.string(), payload: fc.uint8Array({ maxLength: 300 }) });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 64 })),
        (messages, cuts) => {
          const stream = Buffer.concat(
            messages.flatMap(({ text, payload }) => [frameHead({ text }, [payload]), payload]),
          );
          const parser = new FrameParser<{ text: string }>();
          const out = pieces(stream, cuts).flatMap((piece) => parser.push(piece));
          expect(out.map(({ header, payload }) => ({ text: header.text, payload: [...payload] }))).toEqual(
            messages.map(({ text, payload }) => ({ text, payload: [...payload] })),
          );
        },
      ),
    );
  });

  it('of impossible length are refused', () => {
    const parser = new FrameParser();
    expect(() => parser.push(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow('out of bounds');
  });
});

function pieces(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const out: Buffer[] = [];
  let at = 0;
  for (const cut of cuts) {
    out.push(stream.subarray(at, at + cut));
    at += cut;
  }
  out.push(stream.subarray(at));
  return out;
}
