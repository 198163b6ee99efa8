/**
 * Puts this process behind everything else on the machine: live work takes what it needs, a backfill gets the rest.
 *
 * L1. On Linux a priority belongs to a thread. Threads and processes that are started later inherit it from the thread that
 *     starts them, so this is called before decode children and inference workers are made, and takes the threads that the
 *     runtime has started already one by one.
 * L2. It orders processes of one scheduling group. Between containers, cgroup weights decide; between login sessions, the
 *     kernel's autogroups do.
 */
import { readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** The number of threads put back, this process's own included. */
export function takeLowestPriority(): number {
  const lowest = constants.priority.PRIORITY_LOW;
  setPriority(0, lowest);
  let threads = 1;
  for (const thread of ownThreads()) {
    try {
      setPriority(thread, lowest);
      threads += 1;
    } catch {
      // A thread that has ended in the meantime.
    }
  }
  return threads;
}

function ownThreads(): readonly number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    // Not Linux: the call for the process covers its threads.
    return [];
  }
}
