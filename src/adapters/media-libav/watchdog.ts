/**
 * Worker thread of a decode child: ends the process when its main thread cannot.
 *
 * D1. Native decoding blocks the main thread, so neither its timers nor the end of its pipes are noticed there.
 * D2. Parent gone (its end of the lifeline is closed; behind a sandbox there is no parent to ask for): SIGKILL. Memory over the upload's limit: `MEMORY_SIGNAL`, which the parent reads as such. Deadline
 *     passed by `GRACE_MS`: SIGKILL; the parent's own deadline comes first unless the parent is stopped.
 */
import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';
import { LIFELINE_FD } from './protocol.ts';
import { MEMORY_SIGNAL, type WatchdogData } from './watched.ts';

const POLL_MS = 50;

const { shared } = workerData as WatchdogData;
const limits = new Float64Array(shared);

const lifeline = new Socket({ fd: LIFELINE_FD, readable: true, writable: false });
lifeline.on('error', () => {});
lifeline.on('close', () => process.kill(process.pid, 'SIGKILL'));
lifeline.resume();

setInterval(() => {
  const [deadlineMs = 0, maxRssBytes = 0] = limits;
  if (deadlineMs > 0 && Number(process.hrtime.bigint() / 1_000_000n) > deadlineMs) {
    process.kill(process.pid, 'SIGKILL');
  }
  if (maxRssBytes > 0 && process.memoryUsage.rss() > maxRssBytes) process.kill(process.pid, MEMORY_SIGNAL);
}, POLL_MS);
