/**
 * A decoder that remembers which files killed it: the second death of the decode child that held a file is final, also when the
 * service was started anew in between.
 *
 * A1. What counts is a child's death or time-out that its living parent saw. The death of this process never counts: nothing is
 *     written before a decode, so that a crash of the machine blames no upload that was under way.
 * A2. A file is known by its uri, its etag and the decoder's build: other bytes, or another build, start anew.
 */
import { sha256Hex } from '../../core/digest.ts';
import { type ErrorCode, FirstFiveError, isErrorCode } from '../../core/errors.ts';
import type { Decoder } from '../../stages/extract/decoder.ts';
import type { ObjectInfo } from '../../stages/object-store.ts';
import { type AttemptJournal, DECODED } from './journal-file.ts';

/** Deaths after which a file is given up. */
const MAX_DEATHS = 2;
const DEATHS: ReadonlySet<ErrorCode> = new Set(['DECODE_CRASHED', 'DECODE_TIMEOUT']);

/** `close` closes the journal too. */
export function journaledDecoder(decoder: Decoder, journal: AttemptJournal): Decoder {
  async function watched<T>(object: ObjectInfo, decode: () => Promise<T>): Promise<T> {
    const identity = sha256Hex(`${decoder.build}\n${object.etag}\n${object.uri}`).slice(0, 32);
    const { count, last } = journal.deaths(identity);
    if (count >= MAX_DEATHS) throw final(last, count);
    try {
      const result = await decode();
      if (count > 0) await journal.note(identity, DECODED);
      return result;
    } catch (thrown) {
      if (!(thrown instanceof FirstFiveError) || !DEATHS.has(thrown.code)) throw thrown;
      await journal.note(identity, thrown.code);
      if (count + 1 < MAX_DEATHS) throw thrown;
      throw new FirstFiveError(thrown.code, thrown.message, { kind: 'terminal', cause: thrown });
    }
  }

  const { extractAll } = decoder;
  return {
    build: decoder.build,
    extract: (request, signal) => watched(request.object, () => decoder.extract(request, signal)),
    ...(extractAll === undefined
      ? {}
      : {
          extractAll: (request, signal) => watched(request.object, () => extractAll(request, signal)),
        }),
    close: async () => {
      await decoder.close();
      await journal.close();
    },
  };
}

function final(last: string | undefined, count: number): FirstFiveError {
  const code = last !== undefined && isErrorCode(last) ? last : 'DECODE_CRASHED';
  const message = `not decoded again: the decoder died ${count} times while it held this file`;
  return new FirstFiveError(code, message, { kind: 'terminal' });
}
