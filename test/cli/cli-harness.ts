/** Runs the command line in this process, on a folder of its own, with its output caught. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { CliContext } from '../../src/cli/context.ts';
import type { CliStream } from '../../src/cli/output/streams.ts';
import { runCli } from '../../src/cli/program.ts';

export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of stdout as JSON. */
  json(): readonly Record<string, unknown>[];
}

export interface CliFolder {
  readonly path: string;
  run(args: readonly string[], overrides?: CliOverrides): Promise<CliRun>;
  remove(): Promise<void>;
}

export interface CliOverrides extends Partial<Pick<CliContext, 'env' | 'stdin' | 'packageRoot'>> {
  readonly stop?: AbortSignal;
  /** Sees stdout grow. */
  readonly onStdout?: (text: string) => void;
}

export async function cliFolder(): Promise<CliFolder> {
  const path = await mkdtemp(join(tmpdir(), 'ff-cli-'));
  return {
    path,
    run: (args, overrides) => run(path, args, overrides),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

async function run(cwd: string, args: readonly string[], overrides: CliOverrides = {}): Promise<CliRun> {
  const stdout = captured(overrides.onStdout);
  const stderr = captured();
  const code = await runCli(args, {
    env: overrides.env ?? {},
    cwd,
    packageRoot: overrides.packageRoot ?? packageRoot,
    cores: 2,
    stdin: overrides.stdin ?? nothing(),
    stdout: stdout.stream,
    stderr: stderr.stream,
    now: Date.now,
    stopSignal: () => overrides.stop ?? new AbortController().signal,
    setExitCode: () => {},
  });
  const text = stdout.text();
  const lines = () => text.split('\n').filter((line) => line !== '');
  return {
    code,
    stdout: text,
    stderr: stderr.text(),
    json: () => lines().map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

/** A stream that keeps what is written; as a terminal when `columns` is given. */
export function captured(
  onText?: (text: string) => void,
  columns?: number,
): { stream: CliStream; text(): string } {
  let text = '';
  const writable = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString('utf8');
      onText?.(chunk.toString('utf8'));
      done();
    },
  });
  const stream = columns === undefined ? writable : Object.assign(writable, { isTTY: true, columns });
  return { stream, text: () => text };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
