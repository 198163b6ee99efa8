/** Which processes a process has started, as the system sees it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export function childrenOf(pid: number): number[] {
  return allProcesses().flatMap(({ pid: one, parent }) => (parent === pid ? [one] : []));
}

/** A process that has ended and was not reaped yet (a zombie) does not count as alive. */
export function isAlive(pid: number): boolean {
  return allProcesses().some((one) => one.pid === pid && !one.ended);
}

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly ended: boolean;
}

function allProcesses(): ProcessEntry[] {
  return process.platform === 'linux' ? fromProc() : fromPs();
}

function fromProc(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // The name in parentheses may hold anything, parentheses too; state and parent follow the last one.
        const [, state = '', parent = ''] =
          /.*\) (\S) (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
        return [{ pid: Number(name), parent: Number(parent), ended: state === 'Z' || state === 'X' }];
      } catch {
        return []; // It ended between the listing and the reading.
      }
    });
}

function fromPs(): ProcessEntry[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,state='], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [pid, parent, state = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), ended: state.startsWith('Z') };
  });
}
