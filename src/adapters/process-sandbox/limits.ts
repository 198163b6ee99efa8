/**
 * Resource limits of a process (setrlimit(2)), set by prlimit of util-linux before it starts. They are the second line: memory in
 * use and time per upload are watched elsewhere, and these hold where the watcher does not.
 */
import type { ProcessLimits } from '../../stages/extract/sandbox.ts';
import { findTool } from './tools.ts';

/** No core dumps, and no byte to any file. Without prlimit, the command as it is. */
export function withLimits(command: readonly string[], limits: ProcessLimits): readonly string[] {
  const prlimit = process.platform === 'linux' ? findTool('prlimit') : undefined;
  if (prlimit === undefined) return command;
  const { addressSpaceBytes, cpuSeconds, openFiles } = limits;
  return [
    prlimit,
    ...['--core=0', '--fsize=0', `--as=${addressSpaceBytes}`, `--cpu=${cpuSeconds}`, `--nofile=${openFiles}`],
    '--',
    ...command,
  ];
}
