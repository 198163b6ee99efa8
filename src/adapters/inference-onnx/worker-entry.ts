/** Entry of an inference worker thread. Started by worker-slot.ts only. */
import { parentPort, workerData } from 'node:worker_threads';
import { toFirstFiveError } from '../../core/errors.ts';
import { NativeGate } from './native-gate.ts';
import {
  type RunRequest,
  transferList,
  type WorkerReply,
  type WorkerRequest,
  type WorkerStart,
} from './protocol.ts';
import { type GraphSession, openSessions } from './sessions.ts';

const port = parentPort;
if (port === null) throw new Error('this file is the entry of a worker thread');

function reply(message: WorkerReply): void {
  port?.postMessage(message, message.kind === 'done' ? transferList(message.outputs) : []);
}

async function answer(sessions: ReadonlyMap<string, GraphSession>, request: RunRequest): Promise<void> {
  try {
    const session = sessions.get(request.graph);
    if (session === undefined) throw new Error(`the bundle has no graph ${request.graph}`);
    reply({ kind: 'done', outputs: await session.run(request.inputs) });
  } catch (thrown) {
    reply({ kind: 'failed', message: thrown instanceof Error ? thrown.message : String(thrown) });
  }
}

async function start({ setup, gate }: WorkerStart): Promise<void> {
  const startedAt = performance.now();
  let sessions: ReadonlyMap<string, GraphSession> = new Map();
  port?.on('message', (request: WorkerRequest) => {
    // Native calls run in tasks of their own, so none is on the stack here (W4).
    if (request.kind === 'close') process.exit(0);
    else void answer(sessions, request);
  });
  try {
    sessions = await openSessions(setup, new NativeGate(gate));
    reply({ kind: 'ready', startMs: performance.now() - startedAt });
  } catch (thrown) {
    reply({ kind: 'refused', message: toFirstFiveError(thrown).message });
  }
}

await start(workerData as WorkerStart);
