/** The command line as a process of its own, run from the sources: exit status, stdout and stderr as a shell sees them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from './embedded-run.ts';

export interface CliResult {
  /** Exit status, or the signal's name. */
  readonly status: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  /** Added to an environment that holds none of the project's own variables. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
}

export function spawnCli(args: readonly string[], { cwd, env = {} }: CliOptions = {}): ChildProcess {
  const entry = join(packageRoot, 'src/cli/main.ts');
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(FIRSTFIVE|OTEL|VITEST|NODE_)/.test(name),
  );
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
    cwd: cwd ?? packageRoot,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

export function runCliProcess(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawnCli(args, options);
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.stdin);
  return resultOf(child);
}

export function resultOf(child: ChildProcess): Promise<CliResult> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString();
      resolve({ status: code ?? signal, stdout: text(stdout), stderr: text(stderr) });
    });
  });
}

export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
