/**
 * One run of ffmpeg or ffprobe, supervised.
 *
 * F1. No shell; an empty environment; standard input closed or fed, standard output to the caller, standard error bounded.
 *     Behind the sandbox's wall, the run reads the files named and nothing else.
 * F2. The run ends at the caller's signal, when its resident set outgrows the limit (where /proc tells it), or when the
 *     caller has what it wanted: always by SIGKILL, and it settles only when the process is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { FirstFiveError } from '../../core/errors.ts';
import { NO_SANDBOX, type Sandbox } from '../../stages/extract/sandbox.ts';

export interface ToolRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  readonly maxMemoryBytes: number;
  /** Greatest number of bytes on standard output; one byte more fails with `MEDIA_LIMIT`. */
  readonly maxOutputBytes: number;
  /** The run ends early, successfully, once so many bytes have come. */
  readonly enoughBytes?: number;
  readonly input?: Uint8Array;
  readonly sandbox?: Sandbox;
  /** Files that it reads. */
  readonly readable?: readonly string[];
  /** How much of the end of standard error is kept; default 64 KiB. */
  readonly diagnosticsBytes?: number;
}

export interface ToolResult {
  /** `null` when it was ended early. */
  readonly exitCode: number | null;
  readonly output: Buffer;
  /** The end of standard error. */
  readonly diagnostics: string;
}

const DIAGNOSTICS_BYTES = 64 * 1024;
const MEMORY_POLL_MS = 100;
const PAGE_BYTES = 4096;

export async function runTool(run: ToolRun): Promise<ToolResult> {
  run.signal.throwIfAborted();
  const { command, args } = launchOf(run);
  const child = spawn(command, [...args], { env: {}, stdio: ['pipe', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  let length = 0;
  let diagnostics = Buffer.alloc(0);
  let early = false;
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
    child.kill('SIGKILL');
  };
  const onAbort = () => fail(run.signal.reason);
  run.signal.addEventListener('abort', onAbort, { once: true });
  const poll = watchMemory(child, run.maxMemoryBytes, fail);
  child.stdout.on('data', (chunk: Buffer) => {
    if (early) return;
    output.push(chunk);
    length += chunk.length;
    if (run.enoughBytes !== undefined && length >= run.enoughBytes) {
      early = true;
      child.kill('SIGKILL');
    } else if (length > run.maxOutputBytes)
      fail(new FirstFiveError('MEDIA_LIMIT', 'too much decoder output'));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    const joined = Buffer.concat([diagnostics, chunk]);
    diagnostics = joined.subarray(Math.max(0, joined.length - (run.diagnosticsBytes ?? DIAGNOSTICS_BYTES)));
  });
  child.stdin.on('error', () => {});
  child.stdin.end(run.input ?? Buffer.alloc(0));
  try {
    const exitCode = await ended(child);
    if (failure !== undefined) throw failure;
    return {
      exitCode: early ? null : exitCode,
      output: Buffer.concat(output),
      diagnostics: diagnostics.toString('utf8'),
    };
  } finally {
    clearInterval(poll);
    run.signal.removeEventListener('abort', onAbort);
  }
}

/** One run is one upload: the kernel ends it after a minute of CPU time, whatever becomes of this process. */
const CPU_SECONDS = 60;
const GIBIBYTE = 1024 ** 3;

function launchOf({ sandbox = NO_SANDBOX, command, args, readable = [], maxMemoryBytes }: ToolRun) {
  const limits = {
    ...{ addressSpaceBytes: 2 * maxMemoryBytes + GIBIBYTE, cpuSeconds: CPU_SECONDS, openFiles: 128 },
  };
  return sandbox.launch({ command, args, program: [], readable, limits });
}

/** Exit code once the process is gone and its pipes are read; a signal that we did not send is a crash. */
function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new FirstFiveError('DECODER_UNAVAILABLE', 'the command cannot be started', { cause }));
    });
    child.once('close', (code, own) => {
      const signal = own ?? signalOf(code);
      if (signal === null || signal === 'SIGKILL') resolve(code);
      else reject(new FirstFiveError('DECODE_CRASHED', `the command ended by ${signal}`));
    });
  });
}

/** A sandbox's launcher ends with 128 + n when what is behind it died by signal n, as a shell does. */
function signalOf(code: number | null): string | null {
  return Object.entries(constants.signals).find(([, number]) => number + 128 === code)?.[0] ?? null;
}

function watchMemory(child: ChildProcess, limit: number, fail: (error: unknown) => void): NodeJS.Timeout {
  return setInterval(async () => {
    if ((await residentBytes(child.pid ?? 0)) > limit) {
      fail(new FirstFiveError('MEDIA_LIMIT', 'decoding needs more memory than allowed'));
    }
  }, MEMORY_POLL_MS);
}

/** Of the process and, behind a sandbox's launcher, of those below it. Only Linux tells; elsewhere -max_alloc is the limit. */
async function residentBytes(pid: number): Promise<number> {
  const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  const pages = Number((await read('statm')).split(' ')[1] ?? 0);
  const below = (await read(`task/${pid}/children`)).split(' ').filter(Boolean).map(Number);
  const others = await Promise.all(below.map(residentBytes));
  return others.reduce((sum, bytes) => sum + bytes, pages * PAGE_BYTES);
}
