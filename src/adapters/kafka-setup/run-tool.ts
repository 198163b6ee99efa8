/** Runs a build tool to its end, with its output in a log file: people see what failed, stdout stays the command's own. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { FirstFiveError } from '../../core/errors.ts';

export interface ToolRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  /** What to do when the tool is missing or fails. */
  readonly hint?: string;
}

const TAIL_LINES = 20;

/** Rejects with `CONFIG_INVALID` when the tool is missing or fails; the message ends with the last lines it printed. */
export async function runTool(run: ToolRun): Promise<void> {
  const log = openSync(run.logFile, 'a');
  try {
    const code = await exitCode(run, log);
    if (code === 0) return;
  } finally {
    closeSync(log);
  }
  const tail = (await readFile(run.logFile, 'utf8')).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  throw new FirstFiveError(
    'CONFIG_INVALID',
    `\`${run.command}\` failed${hintOf(run)}; its log is ${run.logFile} and ends with:\n${tail}`,
  );
}

function exitCode(run: ToolRun, log: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(run.command, run.args, {
      cwd: run.cwd,
      env: { ...run.env },
      stdio: ['ignore', log, log],
    });
    child.once('error', (cause) => {
      reject(
        new FirstFiveError(
          'CONFIG_INVALID',
          `\`${run.command}\` cannot be run (${cause.message})${hintOf(run)}`,
          { cause },
        ),
      );
    });
    child.once('close', resolve);
  });
}

function hintOf({ hint }: ToolRun): string {
  return hint === undefined ? '' : `: ${hint}`;
}
