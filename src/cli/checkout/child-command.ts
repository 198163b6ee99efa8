/** Runs a script of the checkout in a child process that has this process's terminal. */
import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { FirstFiveError } from '../../core/errors.ts';
import type { CliContext } from '../context.ts';

export interface ChildCommand {
  /** Script and arguments for this process's own Node, relative to the checkout. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `collect` gives stdout back instead of passing it through. */
  readonly stdout?: 'inherit' | 'collect';
}

export interface ChildResult {
  /** 0 when it succeeded; a signal counts as 1. */
  readonly code: number;
  readonly stdout: string;
}

/** Ctrl-C reaches the child by itself: it is in the same process group. SIGTERM is handed on. */
export async function runChild(context: CliContext, command: ChildCommand): Promise<ChildResult> {
  const stop = context.stopSignal();
  const collect = command.stdout === 'collect';
  const child = spawn(process.execPath, [...command.args], {
    cwd: context.packageRoot,
    env: { ...context.env, ...command.env },
    stdio: ['inherit', collect ? 'pipe' : 'inherit', 'inherit'],
  });
  const kill = () => child.kill('SIGTERM');
  stop.addEventListener('abort', kill, { once: true });
  const parts: Buffer[] = [];
  child.stdout?.on('data', (part: Buffer) => parts.push(part));
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) =>
        resolve({ code: code ?? 1, stdout: Buffer.concat(parts).toString('utf8') }),
      );
    });
  } finally {
    stop.removeEventListener('abort', kill);
  }
}

/** Tests and benchmarks are not part of an installed package. */
export async function requireCheckout(context: CliContext, folder: string): Promise<void> {
  try {
    await access(join(context.packageRoot, folder));
  } catch {
    throw new FirstFiveError(
      'USAGE',
      `there is no ${folder}/ here: this command needs a checkout of the repository`,
    );
  }
}
