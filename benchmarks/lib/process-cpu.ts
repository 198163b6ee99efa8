/** CPU time of this process, of its main thread, and of its children. */
import { descendantPids, statOf } from './proc.ts';

export interface CpuTimes {
  /** Milliseconds, user and system together. */
  readonly mainThread: number;
  /** Everything else of this process: inference workers, garbage collection, libuv's pool. */
  readonly otherThreads: number;
  readonly children: number;
}

/** Children are counted while they live; the kernel keeps their times in clock ticks of 10 ms. Linux only. */
const TICK_MS = 10;

export function cpuTimes(): CpuTimes {
  const { user, system } = process.cpuUsage();
  const main = process.threadCpuUsage();
  const mainThread = (main.user + main.system) / 1_000;
  return { mainThread, otherThreads: (user + system) / 1_000 - mainThread, children: childrenCpu() };
}

export function since(before: CpuTimes): CpuTimes & { readonly total: number } {
  const now = cpuTimes();
  const mainThread = now.mainThread - before.mainThread;
  const otherThreads = now.otherThreads - before.otherThreads;
  const children = now.children - before.children;
  return { mainThread, otherThreads, children, total: mainThread + otherThreads + children };
}

function childrenCpu(): number {
  if (process.platform !== 'linux') throw new Error('CPU times of children are read from /proc: Linux only');
  let ticks = 0;
  for (const pid of descendantPids(process.pid)) {
    const [user = 0, system = 0] = statOf(pid).slice(11, 13).map(Number);
    ticks += user + system;
  }
  return ticks * TICK_MS;
}
