/** Decode children that crash and hang under a running pipeline: one upload pays, after two attempts, and no other. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLibavDecoder, type LibavDecoder } from '../../src/adapters/media-libav/decoder.ts';
import { openSandbox } from '../../src/adapters/process-sandbox/sandbox.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/core/extraction.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { DecodeRequest } from '../../src/stages/extract/decoder.ts';
import { createExtractStage } from '../../src/stages/extract/extract-stage.ts';
import { childrenOf, isAlive } from '../support/child-processes.ts';
import { type EmbeddedRun, placeOf, startEmbeddedRun, uploadOf } from '../support/embedded-run.ts';
import { aviBytes } from '../support/tiny-media.ts';
import { until } from '../support/until.ts';
import { untilGone } from '../support/up-process.ts';

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const DEADLINE_MS = 3_000;

let run: EmbeddedRun;
let decoder: LibavDecoder;
/** By file name: how often the child was given it. */
const attempts = new Map<string, number>();

beforeAll(async () => {
  run = await startEmbeddedRun({
    refit: async (engine, store) => {
      const sandbox = await openSandbox('auto');
      decoder = await createLibavDecoder({ children: 2, sandbox, faults: faultOf });
      const plan = engine.bundle.manifest.extractionPlan;
      const limits = { ...DEFAULT_DECODE_LIMITS, deadlineMs: DEADLINE_MS };
      return {
        ...engine,
        decoderBuild: decoder.build,
        extract: createExtractStage({ store, decoder, plan, limits }),
        close: () => decoder.close(),
      };
    },
  });
});

afterAll(async () => {
  const pids = decoder?.pids() ?? [];
  await run?.[Symbol.asyncDispose]();
  await untilGone(pids);
});

/** The fault that a file's name asks for: `segv-…` each time, `once-segv-…` at the first attempt only. */
function faultOf({ object }: Pick<DecodeRequest, 'object'>) {
  const name = object.uri.split('/').at(-1) ?? '';
  if (name.startsWith('load-')) return chaosFault(name);
  const attempt = (attempts.get(name) ?? 0) + 1;
  attempts.set(name, attempt);
  const [, once, fault] = /^(once-)?(segv|kill|hang|exit)-/.exec(name) ?? [];
  if (once !== undefined && attempt > 1) return undefined;
  return fault as 'segv' | 'kill' | 'hang' | 'exit' | undefined;
}

const SEED = Number(process.env.FIRSTFIVE_TEST_SEED ?? 11);
const random = seededRandom(SEED);
/** By file name: the faults that were injected into its decodes. */
const injected = new Map<string, string[]>();

/** One decode in ten dies, by chance, whichever attempt of whichever upload it is. */
function chaosFault(name: string) {
  if (random() >= 0.1) return undefined;
  const fault = (['segv', 'kill', 'hang'] as const)[Math.floor(random() * 3)] ?? 'kill';
  injected.set(name, [...(injected.get(name) ?? []), fault]);
  return fault;
}

async function publishNamed(names: readonly string[]) {
  const before = run.settled.length;
  const events = await Promise.all(
    names.map(async (name) => uploadOf(name, await run.media(name, aviBytes({ shift: name.length })))),
  );
  const sources = (await run.publish(events)).map(placeOf);
  await run.settle(before + names.length);
  const scores = await run.scores();
  const letters = await run.letters();
  return names.map((name, i) => ({
    name,
    scores: scores.filter(({ source }) => source === sources[i]).map(({ value }) => value),
    letters: letters.filter(({ origin }) => placeOf(origin) === sources[i]),
  }));
}

describe('a decode child that fails', () => {
  it('costs its own upload after two attempts, and every other one is scored', async () => {
    const faulty = ['segv-a.avi', 'kill-b.avi', 'exit-c.avi', 'hang-d.avi'];
    const sound = Array.from({ length: 12 }, (_, i) => `sound-${i}.avi`);
    const mixed = sound.flatMap((name, i) => [name, ...(i % 3 === 0 ? [faulty[i / 3] ?? ''] : [])]);
    const results = await publishNamed(mixed);
    for (const { name, scores, letters } of results) {
      if (name.startsWith('sound')) {
        expect(letters, name).toEqual([]);
        expect(scores, name).toMatchObject([{ tier: 1, rejection: null, missing: [] }]);
        expect(attempts.get(name), name).toBe(1);
        continue;
      }
      const code = name.startsWith('hang') ? 'DECODE_TIMEOUT' : 'DECODE_CRASHED';
      expect(letters, name).toMatchObject([{ code, attempts: 2, stage: 'extract' }]);
      expect(letters[0]?.lastFailureAt, name).toBeGreaterThan(letters[0]?.firstFailureAt ?? 0);
      expect(scores, name).toMatchObject([{ tier: 0, rejection: code, ecr: 0.6 }]);
      expect(attempts.get(name), name).toBe(2);
    }
  });

  it('is no reason to reject an upload that the next child decodes', async () => {
    const results = await publishNamed(['once-segv-e.avi', 'once-hang-f.avi']);
    for (const { name, scores, letters } of results) {
      expect(letters, name).toEqual([]);
      expect(scores, name).toMatchObject([{ tier: 1, rejection: null }]);
      expect(attempts.get(name), name).toBe(2);
    }
  });

  it('is replaced: the pool is whole again afterwards, and what it killed is gone', async () => {
    const before = decoder.pids();
    await publishNamed(['kill-g.avi', 'after-1.avi', 'after-2.avi']);
    await until('both slots have a child', () => decoder.pids().length === 2);
    const after = decoder.pids();
    await untilGone(before.filter((pid) => !after.includes(pid)));
    expect(after).not.toEqual(before);
  });

  it('is named in the dead letter by what ended it', async () => {
    const [crashed] = await publishNamed(['segv-h.avi']);
    expect(crashed?.letters[0]?.message).toContain('SIGSEGV');
  });
});

describe('decode children that die in one of ten decodes, under load', () => {
  it('cost no upload its score that is not hit twice', async () => {
    const results = [];
    for (let batch = 0; batch < 6; batch++) {
      results.push(...(await publishNamed(Array.from({ length: 25 }, (_, i) => `load-${batch}-${i}.avi`))));
    }
    const faults = [...injected.values()].flat();
    const hit = faults.length;
    process.stderr.write(
      `note: seed ${SEED}: ${hit} faults in ${results.length} uploads: ${faults.join(' ')}\n`,
    );
    expect(hit).toBeGreaterThan(5);
    for (const { name, scores, letters } of results) {
      const own = injected.get(name) ?? [];
      if (own.length < 2) {
        expect(letters, name).toEqual([]);
        expect(scores, name).toMatchObject([{ tier: 1, rejection: null }]);
        continue;
      }
      const code = own[1] === 'hang' ? 'DECODE_TIMEOUT' : 'DECODE_CRASHED';
      expect(letters, name).toMatchObject([{ code, attempts: 2 }]);
      expect(scores, name).toMatchObject([{ tier: 0, rejection: code }]);
    }
    await until('the pool is whole again', () => decoder.pids().length === 2, { timeoutMs: 60_000 });
  }, 600_000);
});

describe('a pool of decode children', () => {
  it('can be closed while some of them are still starting, and leaves none behind', async () => {
    for (let round = 0; round < 3; round++) {
      const others = childrenOf(process.pid);
      const pool = await createLibavDecoder({ children: 3 });
      await pool.close();
      expect(pool.pids()).toEqual([]);
      expect(childrenOf(process.pid).filter((pid) => !others.includes(pid) && isAlive(pid))).toEqual([]);
    }
  });
});
