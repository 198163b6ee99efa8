/** What Linux tells of processes under /proc (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

export function childPids(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && statOf(pid)[1] === String(parent));
}

/** Children, and their children: a decode child may be behind the launcher of a sandbox. */
export function descendantPids(parent: number): number[] {
  return childPids(parent).flatMap((pid) => [pid, ...descendantPids(pid)]);
}

/** Fields of /proc/PID/stat behind the command name: state, parent, ... (proc(5)); empty when it is gone. */
export function statOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    return [];
  }
}
