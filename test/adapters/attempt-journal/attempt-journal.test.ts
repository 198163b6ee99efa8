/** Files that kill their decoder are remembered, on disk, and no others. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AttemptJournal,
  openAttemptJournal,
} from '../../../src/adapters/attempt-journal/journal-file.ts';
import { journaledDecoder } from '../../../src/adapters/attempt-journal/journaled-decoder.ts';
import { type ErrorCode, FirstFiveError } from '../../../src/core/errors.ts';
import type { Extraction } from '../../../src/core/extraction.ts';
import type { Decoder } from '../../../src/stages/extract/decoder.ts';
import { memoryObject, requestFor } from '../../support/media-objects.ts';

const ID = (n: number) => n.toString(16).padStart(32, '0');
const DAY = 24 * 3_600_000;

let folder: string;
let path: string;
let clock = 1_000_000;
const opened: AttemptJournal[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'firstfive-journal-'));
  path = join(folder, 'attempts', '0.log');
  clock = 1_000_000;
});

afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  rmSync(folder, { recursive: true });
});

async function journal(more: { maxIdentities?: number; onProblem?: (thrown: unknown) => void } = {}) {
  const one = await openAttemptJournal(path, { now: () => clock, ...more });
  opened.push(one);
  return one;
}

describe('the attempt journal', () => {
  it('counts deaths across restarts, whether or not it was closed', async () => {
    const first = await journal();
    await first.note(ID(1), 'DECODE_CRASHED');
    expect((await journal()).deaths(ID(1))).toEqual({ count: 1, last: 'DECODE_CRASHED' });
    await opened[1]?.note(ID(1), 'DECODE_TIMEOUT');
    expect((await journal()).deaths(ID(1))).toEqual({ count: 2, last: 'DECODE_TIMEOUT' });
    expect(opened[2]?.deaths(ID(2)).count).toBe(0);
  });

  it('forgets a file that was decoded after all, and one whose time is over', async () => {
    const one = await journal();
    await one.note(ID(1), 'DECODE_CRASHED');
    await one.note(ID(2), 'DECODE_CRASHED');
    await one.note(ID(1), 'ok');
    expect((await journal()).deaths(ID(1)).count).toBe(0);
    clock += 8 * DAY;
    expect(one.deaths(ID(2)).count).toBe(0);
    expect((await journal()).deaths(ID(2)).count).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('passes over a line that a crash has cut off, and what is no line', async () => {
    await (await journal()).note(ID(1), 'DECODE_CRASHED');
    appendFileSync(path, `garbage\n${clock} ${ID(1)} DECO`.slice(0, -2).concat('\u0000'));
    expect((await journal()).deaths(ID(1)).count).toBe(1);
  });

  it('stays small however many deaths it sees', async () => {
    const one = await journal({ maxIdentities: 50 });
    for (let i = 0; i < 1000; i++) await one.note(ID(i), 'DECODE_CRASHED');
    expect(readFileSync(path, 'utf8').split('\n').length).toBeLessThan(200);
    expect(one.deaths(ID(999)).count).toBe(1);
    expect(one.deaths(ID(0)).count).toBe(0);
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  it('counts in memory and says so where it cannot be written', async () => {
    writeFileSync(join(folder, 'attempts'), 'a file where the folder should be');
    const problems: unknown[] = [];
    const one = await journal({ onProblem: (thrown) => problems.push(thrown) });
    await one.note(ID(1), 'DECODE_CRASHED');
    expect(one.deaths(ID(1)).count).toBe(1);
    expect(problems).toHaveLength(1);
  });
});

describe('a decoder with a journal', () => {
  const extraction = {} as Extraction;

  /** Fails by the codes given, one after the other, then decodes. */
  async function decoderOf(codes: ErrorCode[], build = 'libav/1'): Promise<Decoder & { calls: number }> {
    const decoder = {
      calls: 0,
      build,
      async extract() {
        this.calls++;
        const code = codes.shift();
        if (code !== undefined) throw new FirstFiveError(code, `it was ${code}`);
        return extraction;
      },
      close: async () => {},
    };
    const journaled = journaledDecoder({ ...decoder, extract: () => decoder.extract() }, await journal());
    return Object.defineProperty({ ...journaled, calls: 0 }, 'calls', { get: () => decoder.calls });
  }

  const request = requestFor(memoryObject(new Uint8Array(1)));

  it('gives a file up at its second death, also when the service was started anew in between', async () => {
    const before = await decoderOf(['DECODE_CRASHED']);
    await expect(before.extract(request)).rejects.toMatchObject({
      code: 'DECODE_CRASHED',
      kind: 'retryable',
    });
    const after = await decoderOf(['DECODE_TIMEOUT', 'DECODE_TIMEOUT']);
    await expect(after.extract(request)).rejects.toMatchObject({ code: 'DECODE_TIMEOUT', kind: 'terminal' });
    expect(after.calls).toBe(1);
    await expect(after.extract(request)).rejects.toMatchObject({ code: 'DECODE_TIMEOUT', kind: 'terminal' });
    expect(after.calls).toBe(1);
    const other = await decoderOf([]);
    expect(await other.extract({ ...request, object: { ...request.object, etag: 'other' } })).toBe(
      extraction,
    );
    const newer = await decoderOf([], 'libav/2');
    expect(await newer.extract(request)).toBe(extraction);
  });

  it('counts neither rejections nor failures of the surroundings, and forgets what was decoded', async () => {
    const decoder = await decoderOf([
      ...(['MEDIA_CORRUPT', 'STORE_UNAVAILABLE', 'DECODER_UNAVAILABLE', 'DECODE_CRASHED'] as const),
    ]);
    for (const kind of ['terminal', 'systemic', 'systemic', 'retryable']) {
      await expect(decoder.extract(request)).rejects.toMatchObject({ kind });
    }
    expect(await decoder.extract(request)).toBe(extraction);
    const after = await decoderOf(['DECODE_CRASHED']);
    await expect(after.extract(request)).rejects.toMatchObject({ kind: 'retryable' });
  });
});
