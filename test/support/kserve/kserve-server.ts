/** KServe's Python server, installed once into .tools and started for a test. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installOnce } from '../../../src/adapters/kafka-setup/install-once.ts';
import { freePort, type RunningServer, startServer } from '../s3/server-process.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const dir = fileURLToPath(new URL('../../../.tools/kserve', import.meta.url));
/** It imports half of the scientific Python stack. */
const READY_WITHIN_MS = 120_000;

export interface KserveServer extends RunningServer {
  readonly url: string;
}

/** Serves each file under its name. */
export async function startKserve(models: Readonly<Record<string, string>>): Promise<KserveServer> {
  await install();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const served = Object.entries(models).map(([name, file]) => `${name}=${file}`);
  const server = await startServer({
    command: join(dir, 'bin/python'),
    args: [join(here, 'serve.py'), String(port), ...served],
    readyUrl: `${url}/v2/health/ready`,
    readyWithinMs: READY_WITHIN_MS,
  });
  return { url, ...server };
}

/** A virtual environment finds its packages from where its interpreter lies, so it may be moved; its scripts may not. */
async function install(): Promise<void> {
  const requirements = join(here, 'requirements.txt');
  const key = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const run = promisify(execFile);
  await installOnce({
    dir,
    key,
    make: async (fresh) => {
      await run('python3', ['-m', 'venv', fresh]);
      await run(join(fresh, 'bin/python'), [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--requirement',
        requirements,
      ]);
    },
  });
}
