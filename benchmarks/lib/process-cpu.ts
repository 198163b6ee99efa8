/** CPU time of this process by what its threads do, and of its children. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { descendantPids, statOf } from './proc.ts';

export interface CpuTimes {
  /** Milliseconds, user and system together. */
  readonly mainThread: number;
  /** Inference workers, by the name of their threads. */
  readonly inference: number;
  /** Everything else of this process: garbage collection of all isolates, compilation, libuv's pool. */
  readonly otherThreads: number;
  readonly children: number;
}

/** The kernel keeps times of threads and children in clock ticks of 10 ms; children are counted while they live. */
const TICK_MS = 10;
/** Where `statOf` has user and system time. */
const CPU_FIELDS = [11, 13] as const;

export function cpuTimes(): CpuTimes {
  if (process.platform !== 'linux') throw new Error('CPU times are read from /proc: Linux only');
  const { user, system } = process.cpuUsage();
  const main = process.threadCpuUsage();
  const mainThread = (main.user + main.system) / 1_000;
  const inference = inferenceCpu();
  const otherThreads = (user + system) / 1_000 - mainThread - inference;
  return { mainThread, inference, otherThreads, children: childrenCpu() };
}

export function since(before: CpuTimes): CpuTimes & { readonly total: number } {
  const now = cpuTimes();
  const mainThread = now.mainThread - before.mainThread;
  const inference = now.inference - before.inference;
  const otherThreads = now.otherThreads - before.otherThreads;
  const children = now.children - before.children;
  const total = mainThread + inference + otherThreads + children;
  return { mainThread, inference, otherThreads, children, total };
}

function inferenceCpu(): number {
  let ticks = 0;
  for (const thread of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    if (stat.includes(' (inference) ')) ticks += ticksOf(stat.split(') ').at(-1)?.split(' ') ?? []);
  }
  return ticks * TICK_MS;
}

function childrenCpu(): number {
  let ticks = 0;
  for (const pid of descendantPids(process.pid)) ticks += ticksOf(statOf(pid));
  return ticks * TICK_MS;
}

function ticksOf(fields: readonly string[]): number {
  const [user = 0, system = 0] = fields.slice(...CPU_FIELDS).map(Number);
  return user + system;
}
