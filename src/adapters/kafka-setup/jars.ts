/**
 * Apache Kafka as jars from Maven Central, and a class-data archive that halves its start-up time.
 *
 * J1. The class path is the sorted list of jars, relative to the folder they lie in: the archive is valid for exactly this
 *     text, and the folder is renamed once it is complete.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FirstFiveError } from '../../core/errors.ts';
import { freePorts } from './free-ports.ts';
import { type Installation, installOnce, isInstalled } from './install-once.ts';
import { type BrokerRuntime, formatStorage, startNode, stopNode } from './node-process.ts';
import { untilReady } from './readiness.ts';
import { runTool } from './run-tool.ts';

export interface BrokerPlaces {
  /** Folder with pom.xml and log4j2.yaml. */
  readonly recipeDir: string;
  /** Where the jars are kept. */
  readonly installDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const RECIPE = ['pom.xml', 'log4j2.yaml'] as const;
const MIN_JAVA = 17;
const ARCHIVE = 'classes.jsa';

/** True when they were fetched now. Needs `java` (17 or newer) and `mvn`; `CONFIG_INVALID` says what is missing. */
export async function ensureBroker(places: BrokerPlaces, onWaiting?: () => void): Promise<boolean> {
  return installOnce({ ...(await installation(places)), ...(onWaiting === undefined ? {} : { onWaiting }) });
}

export async function isBrokerInstalled(places: BrokerPlaces): Promise<boolean> {
  return isInstalled(await installation(places));
}

export async function brokerRuntime(places: BrokerPlaces): Promise<BrokerRuntime> {
  return runtimeIn(places.installDir, places.env);
}

async function installation(places: BrokerPlaces): Promise<Installation> {
  const digest = createHash('sha256');
  for (const name of RECIPE) digest.update(await readFile(join(places.recipeDir, name)));
  return { dir: places.installDir, key: digest.digest('hex'), make: (fresh) => fetchBroker(places, fresh) };
}

async function fetchBroker(places: BrokerPlaces, fresh: string): Promise<void> {
  await requireJava(javaOf(places.env));
  for (const name of RECIPE) await cp(join(places.recipeDir, name), join(fresh, name));
  await runTool({
    command: 'mvn',
    args: [
      ...['-q', '-B', '-f', join(fresh, 'pom.xml'), 'dependency:copy-dependencies'],
      ...['-DincludeScope=runtime', `-DoutputDirectory=${join(fresh, 'libs')}`],
    ],
    cwd: fresh,
    env: places.env,
    logFile: `${places.installDir}.log`,
    hint: 'the development broker comes from Maven Central; on Debian: apt-get install maven',
  });
  await makeArchive(await runtimeIn(fresh, places.env), join(fresh, ARCHIVE));
}

async function runtimeIn(dir: string, env: BrokerPlaces['env']): Promise<BrokerRuntime> {
  const jars = (await readdir(join(dir, 'libs'))).filter((name) => name.endsWith('.jar')).sort();
  return {
    java: javaOf(env),
    dir,
    classPath: jars.map((name) => `libs/${name}`).join(':'), // J1
    loggingConfig: 'log4j2.yaml',
    options: [`-XX:SharedArchiveFile=${ARCHIVE}`],
    env,
  };
}

/** Runs a broker once, empty, with the virtual machine told to archive the classes that it loaded. */
async function makeArchive(runtime: BrokerRuntime, file: string): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'firstfive-broker-'));
  try {
    const [port = 0, controllerPort = 0] = await freePorts(2);
    const node = { id: 1, port, controllerPort };
    const shape = { nodes: [node], dataDir };
    const archiving = { ...runtime, options: [`-XX:ArchiveClassesAtExit=${file}`] };
    await formatStorage(archiving, shape, node);
    const pid = startNode(archiving, shape, node);
    try {
      await untilReady(`127.0.0.1:${port}`, 1, { deadlineMs: 60_000, isAlive: () => isAlive(pid) });
    } finally {
      await stopNode(pid, 60_000);
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function javaOf(env: BrokerPlaces['env']): string {
  return env.JAVA_HOME === undefined || env.JAVA_HOME === '' ? 'java' : join(env.JAVA_HOME, 'bin', 'java');
}

async function requireJava(java: string): Promise<void> {
  const advice = `the development broker needs Java ${MIN_JAVA} or newer; on Debian: apt-get install default-jre-headless`;
  const run = promisify(execFile)(java, ['--version']).catch((cause: unknown) => {
    throw new FirstFiveError('CONFIG_INVALID', `\`${java}\` cannot be run: ${advice}`, { cause });
  });
  const version = Number(/\d+/.exec((await run).stdout)?.[0]);
  if (!(version >= MIN_JAVA))
    throw new FirstFiveError('CONFIG_INVALID', `this is Java ${version}: ${advice}`);
}
