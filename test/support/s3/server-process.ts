/** A server started for a test: on a free loopback port, ready before the test goes on, gone after it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Answers 200 once the server is ready. */
  readonly readyUrl: string;
  readonly readyWithinMs?: number;
}

export interface RunningServer {
  stop(): Promise<void>;
}

const GUARD = fileURLToPath(new URL('keep-until-eof.ts', import.meta.url));
const READY_WITHIN_MS = 30_000;

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export async function startServer(server: ServerCommand): Promise<RunningServer> {
  const { command, args, env, readyUrl, readyWithinMs = READY_WITHIN_MS } = server;
  const guard = spawn(process.execPath, [GUARD, command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const output = tailOf(guard);
  const stop = async () => {
    guard.stdin.end();
    if (guard.exitCode === null) await once(guard, 'exit');
  };
  const until = Date.now() + readyWithinMs;
  while (!(await answers(readyUrl))) {
    if (guard.exitCode !== null) throw new Error(`${command} ended at once:\n${output()}`);
    if (Date.now() > until) {
      await stop();
      throw new Error(`${command} was not ready within ${readyWithinMs} ms:\n${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { stop };
}

function tailOf(child: ChildProcess): () => string {
  let text = '';
  const take = (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-4_000);
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  return () => text;
}

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}
