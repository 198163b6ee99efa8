/** Deliberate faults of a decode child, for tests of the supervision; never reached unless the child was started for it. */
import type { Fault } from './protocol.ts';

const ONE_GIB = 1024 ** 3;

export async function commitFault(fault: Fault): Promise<void> {
  if (fault === 'segv') process.kill(process.pid, 'SIGSEGV');
  if (fault === 'kill') process.kill(process.pid, 'SIGKILL');
  if (fault === 'exit') process.exit(3);
  if (fault === 'memory') grow();
  // The main thread stops for good, as in a native loop: neither timers nor the end of the pipe reach it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function grow(): void {
  const held: Buffer[] = [];
  while (held.length < 16) held.push(Buffer.alloc(ONE_GIB / 4, held.length + 1));
}
