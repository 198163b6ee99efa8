/** The children of media-libav: what a dying, hanging or growing child costs, and that none is left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createLibavDecoder, type LibavDecoder } from '../../../src/adapters/media-libav/decoder.ts';
import type { Fault } from '../../../src/adapters/media-libav/protocol.ts';
import { openSandbox } from '../../../src/adapters/process-sandbox/sandbox.ts';
import { NO_SANDBOX, type Sandbox } from '../../../src/stages/extract/sandbox.ts';
import { childrenOf, isAlive } from '../../support/child-processes.ts';
import { fileObject, requestFor, samplePath } from '../../support/media-objects.ts';
import { until } from '../../support/until.ts';

const wall = await openSandbox('auto');
if (wall.kind === 'none')
  process.stderr.write(`note: no sandbox here (${wall.detail}); children run without\n`);
const WALLS: readonly (readonly [name: string, sandbox: Sandbox])[] = [
  ['on its own', NO_SANDBOX],
  ...(wall.kind === 'none' ? [] : [['in the sandbox', wall] as const]),
];

const clip = () => fileObject(samplePath('deep-field.mp4'));
const named = (fault: Fault) => ({ ...clip(), uri: fault });

let decoder: LibavDecoder | undefined;

afterEach(async () => {
  await decoder?.close();
  decoder = undefined;
});

/** Children commit the fault that an object's uri names. */
async function faulty(children: number, sandbox: Sandbox = NO_SANDBOX): Promise<LibavDecoder> {
  const faults: ReadonlySet<string> = new Set(['segv', 'kill', 'hang', 'exit', 'memory']);
  decoder = await createLibavDecoder({
    ...{ children, sandbox, readable: [samplePath('.')] },
    faults: ({ object }) => (faults.has(object.uri) ? (object.uri as Fault) : undefined),
  });
  return decoder;
}

describe.each(WALLS)('a decode child %s that fails', (_, sandbox) => {
  it.each(['segv', 'kill', 'exit'] as const)(
    'by %s costs its own upload only, and is replaced',
    async (fault) => {
      const { extract, pids } = await faulty(1, sandbox);
      const [first] = pids();
      const crashed = extract(requestFor(named(fault)));
      const next = extract(requestFor(clip()));
      await expect(crashed).rejects.toMatchObject({ code: 'DECODE_CRASHED', kind: 'retryable' });
      expect((await next).video).not.toBeNull();
      expect(pids()).toHaveLength(1);
      expect(pids()[0]).not.toBe(first);
    },
  );

  it('by a hang is killed at the deadline', async () => {
    const { extract, pids } = await faulty(1, sandbox);
    const hung = extract(requestFor(named('hang'), { deadlineMs: 300 }));
    const [pid = 0] = pids();
    const start = performance.now();
    await expect(hung).rejects.toMatchObject({ code: 'DECODE_TIMEOUT' });
    expect(performance.now() - start).toBeLessThan(5000);
    expect(isAlive(pid)).toBe(false);
    expect((await extract(requestFor(clip()))).video).not.toBeNull();
  });

  it('by outgrowing its memory limit is told from a crash', async () => {
    const { extract } = await faulty(1, sandbox);
    const grown = extract(requestFor(named('memory'), { maxMemoryBytes: 600 * 1024 ** 2 }));
    await expect(grown).rejects.toMatchObject({ code: 'MEDIA_LIMIT', kind: 'terminal' });
    expect((await extract(requestFor(clip()))).video).not.toBeNull();
  });

  it('while idle is replaced without any upload failing', async () => {
    const { extract, pids } = await faulty(1, sandbox);
    const [pid = 0] = pids();
    process.kill(pid, 'SIGKILL');
    await until('it is gone', () => !pids().includes(pid));
    expect((await extract(requestFor(clip()))).video).not.toBeNull();
    expect((await extract(requestFor(clip()))).video).not.toBeNull();
  });

  it('disturbs no upload of the other children', async () => {
    const { extract } = await faulty(2, sandbox);
    const kinds = ['segv', undefined, undefined, 'kill', undefined, undefined, 'exit', undefined] as const;
    const outcomes = await Promise.allSettled(
      kinds.map((fault) => extract(requestFor(fault === undefined ? clip() : named(fault)))),
    );
    expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(
      kinds.map((fault) => fault !== undefined),
    );
  });
});

describe('the children of a decoder', () => {
  it('ignore faults unless the decoder was made for them', async () => {
    decoder = await createLibavDecoder({ children: 1 });
    expect((await decoder.extract(requestFor(named('segv')))).video).not.toBeNull();
  });

  it.each(WALLS)(
    '%s are gone when close returns, even while one hangs and another starts',
    async (_, sandbox) => {
      const before = decodeProcesses();
      const made = await faulty(2, sandbox);
      const hung = made.extract(requestFor(named('hang')));
      const failed = expect(hung).rejects.toMatchObject({ code: 'DECODER_UNAVAILABLE' });
      await made.close();
      await failed;
      expect(decodeProcesses().filter((pid) => !before.includes(pid))).toEqual([]);
    },
  );

  it('are replaced after the number of uploads that they may serve', async () => {
    decoder = await createLibavDecoder({ children: 1, recycleAfterUploads: 2 });
    const seen: (number | undefined)[] = [];
    for (let i = 0; i < 4; i++) {
      await decoder.extract(requestFor(clip()));
      seen.push(decoder.pids()[0]);
    }
    expect(new Set(seen.filter((pid) => pid !== undefined)).size).toBeGreaterThan(1);
  });

  it.runIf(process.platform === 'linux')(
    'have nothing of the environment but two settings of their own',
    async () => {
      decoder = await createLibavDecoder({ children: 1 });
      const environment = readFileSync(`/proc/${decoder.pids()[0]}/environ`, 'utf8')
        .split('\0')
        .filter(Boolean);
      expect(environment.sort()).toEqual(['MALLOC_ARENA_MAX=2', 'UV_THREADPOOL_SIZE=2']);
    },
  );

  it('do not keep a process alive that forgets to close its decoder', async () => {
    const parent = script('forgetful');
    expect(await exitOf(parent)).toBe(0);
  });

  it.each(WALLS)('%s end when their parent is killed, hanging or not', async (_, { kind }) => {
    const before = decodeProcesses();
    const parent = script(kind === 'none' ? 'hanging' : 'hanging-walled');
    const pids = (await firstLine(parent)).split(' ').map(Number);
    expect(pids.length).toBe(2);
    const all = decodeProcesses().filter((pid) => !before.includes(pid));
    expect(all.length).toBeGreaterThanOrEqual(2);
    parent.kill('SIGKILL');
    await until('the children have ended', () => [...pids, ...all].every((pid) => !isAlive(pid)), {
      timeoutMs: 10_000,
    });
  });
});

/** Decode children and their launchers, of this test's descendants. */
function decodeProcesses(): number[] {
  const all = descendantsOf(process.pid);
  return all.filter((child) => {
    try {
      return readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('media-libav/child') && isAlive(child);
    } catch {
      return false;
    }
  });
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

function script(mode: string): ChildProcess {
  const path = fileURLToPath(new URL('./parent-process.ts', import.meta.url));
  return spawn(process.execPath, [path, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve));
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) =>
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())),
  );
}
