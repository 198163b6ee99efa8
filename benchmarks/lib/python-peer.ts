/** Peers in Python: a virtual environment of pinned packages, made once, and a program of it that answers line by line. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { installOnce } from '../../src/adapters/kafka-setup/install-once.ts';
import { runTool } from '../../src/adapters/kafka-setup/run-tool.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const PEERS_DIR = join(root, 'benchmarks', 'peers');

/** Path of the interpreter of the environment that `benchmarks/peers/NAME/requirements.txt` asks for. */
export async function readyPython(name: string): Promise<string> {
  const requirements = join(PEERS_DIR, name, 'requirements.txt');
  const dir = join(root, '.tools', `bench-${name}`);
  const tool = { env: process.env, logFile: `${dir}.log` };
  await installOnce({
    dir,
    key: createHash('sha256')
      .update(await readFile(requirements))
      .digest('hex'),
    make: async (fresh) => {
      const hint = 'on Debian: apt-get install python3-venv';
      await runTool({ ...tool, cwd: fresh, command: 'python3', args: ['-m', 'venv', fresh], hint });
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
      await runTool({ ...tool, cwd: fresh, command: join(fresh, 'bin', 'python'), args: pip });
    },
  });
  return join(dir, 'bin', 'python');
}

export interface AnsweringPeer {
  /** Writes a line, resolves with the line that answers it. */
  ask(line: string): Promise<string>;
  end(): Promise<void>;
}

/** Resolves once the program has written its first line. */
export async function startPeer(command: string, args: readonly string[]): Promise<AnsweringPeer> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${args[0]} ended without an answer`);
    return value as string;
  };
  await next();
  return {
    ask: (line) => {
      child.stdin.write(`${line}\n`);
      return next();
    },
    end: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
