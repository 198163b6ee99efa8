/** Resident memory of a process and of its children. */
import { readFileSync } from 'node:fs';
import { descendantPids } from './proc.ts';

/** `parent` and its descendants' resident memory in MiB: of the process itself, and of its children together. */
export function residentMiB(parent: number): { readonly main: number; readonly children: number } {
  const children = descendantPids(parent).reduce((sum, pid) => sum + residentOf(pid), 0);
  return { main: residentOf(parent), children };
}

function residentOf(pid: number): number {
  try {
    const [, kiB = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kiB) / 1_024;
  } catch {
    return 0;
  }
}
