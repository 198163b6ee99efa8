/** Starts a TypeScript file as a Node process of its own; its errors go to this process's stderr. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export type NodeProcess = ChildProcessByStdio<Writable, Readable, null>;

export function startNode(file: URL, args: readonly string[]): NodeProcess {
  const command = ['--disable-warning=ExperimentalWarning', fileURLToPath(file), ...args];
  return spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] });
}
