/** Checks of the machine: Node, thread pool, ffmpeg, sandbox tools, disk. */
import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { openSandbox } from '../../adapters/process-sandbox/sandbox.ts';
import type { RunOptions } from '../../config/options.ts';
import { openDecoder } from '../compose/decoder.ts';
import { type Check, type CheckResult, failed, info, ok, warned } from './checks.ts';

const execute = promisify(execFile);

const NODE_BASELINE = [22, 19] as const;
const GIBIBYTE = 1_024 ** 3;

export function nodeCheck(version: string): Check {
  return {
    name: 'node',
    run: async () => {
      const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
      const [wantedMajor, wantedMinor] = NODE_BASELINE;
      const detail = `${version} ${process.platform}-${process.arch}`;
      if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return [ok('node', detail)];
      return [
        failed('node', detail, `use Node ${NODE_BASELINE.join('.')} or newer; ./firstfive brings its own`),
      ];
    },
  };
}

/** Demuxers, file reads and DNS share libuv's pool; its default of 4 threads starves them. */
export function threadPoolCheck(env: Readonly<Record<string, string | undefined>>): Check {
  return {
    name: 'thread pool',
    run: async () => {
      const size = Number(env.UV_THREADPOOL_SIZE ?? 4);
      if (size >= 8) return [ok('thread pool', `${size} threads`)];
      return [
        warned('thread pool', `${size} threads`, 'start through ./firstfive, or set UV_THREADPOOL_SIZE=16'),
      ];
    },
  };
}

export function ffmpegCheck(options: RunOptions): Check {
  return {
    name: 'ffmpeg command',
    run: async () => {
      const version = await firstLineOf('ffmpeg', ['-version']);
      if (version !== undefined) return [ok('ffmpeg command', version)];
      const fix = 'install ffmpeg (apt-get install ffmpeg, brew install ffmpeg)';
      if (options.decoder === 'ffmpeg')
        return [failed('ffmpeg command', 'not found, and --decoder ffmpeg asks for it', fix)];
      return [info('ffmpeg command', 'not found; only --decoder ffmpeg needs it')];
    },
  };
}

/** Tried, not looked up: the wall is built, and the decoder that is in use is started behind it. */
export function sandboxCheck(options: RunOptions): Check {
  return {
    name: 'sandbox',
    run: async () => {
      const { kind, detail } = await openSandbox(options.sandbox);
      if (options.sandbox === 'off')
        return [info('sandbox', 'turned off: decoders run as plain child processes')];
      const fix = 'install bubblewrap and allow user namespaces, or say --sandbox off to have no warning';
      const plain = 'decoders run as plain child processes';
      if (kind === 'none') return [warned('sandbox', `${plain}: ${detail}`, fix)];
      let worse: string | undefined;
      const decoder = await openDecoder({
        ...{ choice: options.decoder, children: 1, sandbox: options.sandbox, readable: [] },
        notice: (sentence) => {
          worse = sentence;
        },
      });
      await decoder.close();
      if (worse !== undefined) return [warned('sandbox', worse, fix)];
      return [ok('sandbox', `decoders run behind ${kind} (${detail}): no network, read-only files`)];
    },
  };
}

export function diskCheck(options: RunOptions): Check {
  return {
    name: 'disk',
    run: async () => {
      const { free, at } = await freeBytes(options.dataDir);
      const detail = `${(free / GIBIBYTE).toFixed(1)} GiB free at ${at}`;
      const fix = 'free space, or move the data with --data DIR';
      if (free < GIBIBYTE / 2) return [failed('disk', detail, fix)];
      return [free < 5 * GIBIBYTE ? warned('disk', detail, fix) : ok('disk', detail)] satisfies CheckResult[];
    },
  };
}

/** Of the folder, or of the closest one above it that exists. */
async function freeBytes(folder: string): Promise<{ free: number; at: string }> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return { free: bavail * bsize, at: folder };
  } catch (error) {
    const above = dirname(folder);
    if (above === folder) throw error;
    return freeBytes(above);
  }
}

async function firstLineOf(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await execute(command, args, { timeout: 10_000 });
    return stdout.split('\n', 1)[0]?.trim();
  } catch {
    return undefined;
  }
}
