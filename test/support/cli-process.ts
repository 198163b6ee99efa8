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
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
    cwd: cwd ?? packageRoot,
    env: { ...ownEnvironment(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** `./firstfive` itself: the wrapper and the built command line, as a user runs them. */
export function runWrapper(args: readonly string[], { cwd, env = {} }: CliOptions = {}): Promise<CliResult> {
  const child = spawn(join(packageRoot, 'firstfive'), args, {
    cwd: cwd ?? packageRoot,
    env: { ...ownEnvironment(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end();
  return resultOf(child);
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

/** Without what the test run itself was given: it must not reach the process under test. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(FIRSTFIVE|OTEL|VITEST|NODE_)/.test(name));
  return Object.fromEntries(kept);
}
