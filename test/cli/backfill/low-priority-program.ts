/** Takes the lowest priority with a worker thread running, then prints the nice value of every thread and of a child. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { takeLowestPriority } from '../../../src/cli/backfill/run/low-priority.ts';

const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
await new Promise((resolve) => worker.once('online', resolve));
takeLowestPriority();
// The nineteenth field; the second one, a name in brackets, may hold spaces.
const niceOf = (stat: string) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
const threads = readdirSync('/proc/self/task').map((id) =>
  niceOf(readFileSync(`/proc/self/task/${id}/stat`, 'utf8')),
);
const child = niceOf(execFileSync('cat', ['/proc/self/stat'], { encoding: 'utf8' }));
process.stdout.write(JSON.stringify({ threads, child }));
await worker.terminate();
