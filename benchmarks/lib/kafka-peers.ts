/** The programs that pass records through: how each is made ready, started, and named. */
import { createHash } from 'node:crypto';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installOnce } from '../../src/adapters/kafka-setup/install-once.ts';
import { runTool } from '../../src/adapters/kafka-setup/run-tool.ts';

export interface Peer {
  readonly name: string;
  /** Makes what is missing; rejects with one line that says why it cannot be had here. */
  ready(): Promise<void>;
  readonly delivery: 'exactly-once' | 'at-least-once';
  readonly command: string;
  readonly args: readonly string[];
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const peers = join(root, 'benchmarks', 'peers');
const tools = join(root, '.tools');
const pythonDir = join(tools, 'bench-python');
const streamsDir = join(tools, 'bench-kafka-streams');

const available = async (): Promise<void> => {};

export const BARE: Peer = {
  name: 'bare node-rdkafka 3.6.1',
  ready: available,
  delivery: 'exactly-once',
  command: process.execPath,
  args: [join(peers, 'bare-node-rdkafka', 'loop.ts')],
};

export const EXACTLY_ONCE: Peer = {
  name: 'firstfive exactly-once',
  ready: available,
  delivery: 'exactly-once',
  command: process.execPath,
  args: [join(root, 'benchmarks', 'lib', 'kafka-stage.ts')],
};

export const AT_LEAST_ONCE: Peer = {
  ...EXACTLY_ONCE,
  name: 'firstfive at-least-once',
  delivery: 'at-least-once',
};

export const PYTHON: Peer = {
  name: 'confluent-kafka 2.16.1 for Python',
  ready: readyPython,
  delivery: 'exactly-once',
  command: join(pythonDir, 'bin', 'python'),
  args: [join(peers, 'python', 'loop.py')],
};

export const STREAMS: Peer = {
  name: 'Kafka Streams 4.3.1',
  ready: readyStreams,
  delivery: 'exactly-once',
  command: 'java',
  args: ['-Xmx512m', '-cp', join(streamsDir, 'libs', '*'), 'PassThrough'],
};

async function readyPython(): Promise<void> {
  const requirements = join(peers, 'python', 'requirements.txt');
  const make = async (dir: string) => {
    const tool = { cwd: dir, env: process.env, logFile: `${pythonDir}.log` };
    await runTool({
      ...tool,
      ...{ command: 'python3', args: ['-m', 'venv', dir], hint: 'on Debian: apt-get install python3-venv' },
    });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
    await runTool({ ...tool, command: join(dir, 'bin', 'python'), args: pip });
  };
  await installOnce({ dir: pythonDir, key: await digest([requirements]), make });
}

async function readyStreams(): Promise<void> {
  const recipe = join(peers, 'kafka-streams');
  const make = async (dir: string) => {
    const build = join(dir, 'build');
    await cp(recipe, build, { recursive: true });
    const goals = ['package', 'dependency:copy-dependencies', '-DincludeScope=runtime'];
    await runTool({
      command: 'mvn',
      args: ['-q', '-B', '-f', join(build, 'pom.xml'), ...goals, `-DoutputDirectory=${join(dir, 'libs')}`],
      cwd: build,
      env: process.env,
      logFile: `${streamsDir}.log`,
      hint: 'Kafka Streams comes from Maven Central and needs a JDK; on Debian: apt-get install maven',
    });
    await cp(join(build, 'target', 'pass-through-0.jar'), join(dir, 'libs', 'pass-through.jar'));
  };
  const entries = await readdir(recipe, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  await installOnce({ dir: streamsDir, key: await digest(files.sort()), make });
}

async function digest(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex');
}
