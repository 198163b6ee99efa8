/** One broker process: storage format, start, stop. It is detached, with its output in `node-N.log` beside its data. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FirstFiveError } from '../../core/errors.ts';
import { runTool } from './run-tool.ts';
import { type ClusterShape, type NodePorts, serverProperties } from './server-properties.ts';

/** A Java command line without its main class; the paths in it are relative to `dir`. */
export interface BrokerRuntime {
  readonly java: string;
  readonly dir: string;
  readonly classPath: string;
  readonly loggingConfig: string;
  /** Options of the virtual machine for the broker itself. */
  readonly options: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Any 22-character id will do: the clusters of this module share nothing. */
const CLUSTER_ID = 'FirstFiveDevCluster000';
const POLL_MS = 50;

export function propertiesFile(shape: ClusterShape, node: NodePorts): string {
  return join(shape.dataDir, `node-${node.id}.properties`);
}

export function nodeLogFile(shape: ClusterShape, node: NodePorts): string {
  return join(shape.dataDir, `node-${node.id}.log`);
}

/** `scramUsers`: name to password, created with the storage (SCRAM-SHA-256 and -512). */
export async function formatStorage(
  runtime: BrokerRuntime,
  shape: ClusterShape,
  node: NodePorts,
  scramUsers: Readonly<Record<string, string>> = {},
): Promise<void> {
  await mkdir(shape.dataDir, { recursive: true });
  const file = propertiesFile(shape, node);
  await writeFile(file, serverProperties(shape, node), { mode: 0o600 });
  const users = Object.entries(scramUsers).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
  // Share groups and Streams groups would each make a topic of their own at the first use.
  const features = ['--feature', 'share.version=0', '--feature', 'streams.version=0'];
  await runTool({
    command: runtime.java,
    args: [
      ...[
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        `-Dlog4j2.configurationFile=${runtime.loggingConfig}`,
      ],
      ...['-cp', runtime.classPath, 'kafka.tools.StorageTool', 'format', '--ignore-formatted'],
      ...['-t', CLUSTER_ID, '-c', file, ...features, ...users],
    ],
    cwd: runtime.dir,
    env: runtime.env,
    logFile: nodeLogFile(shape, node),
  });
}

/** Returns its pid at once; `untilReady` tells when it answers. */
export function startNode(runtime: BrokerRuntime, shape: ClusterShape, node: NodePorts): number {
  const log = openSync(nodeLogFile(shape, node), 'a');
  try {
    const child = spawn(
      runtime.java,
      [
        ...['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...runtime.options],
        ...[`-Dlog4j2.configurationFile=${runtime.loggingConfig}`, '-cp', runtime.classPath],
        ...['kafka.Kafka', propertiesFile(shape, node)],
      ],
      { cwd: runtime.dir, env: { ...runtime.env }, stdio: ['ignore', log, log], detached: true },
    );
    child.on('error', () => {});
    child.unref();
    if (child.pid === undefined)
      throw new FirstFiveError('CONFIG_INVALID', `\`${runtime.java}\` cannot be run`);
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/** SIGTERM, and SIGKILL when that has not ended it after `graceMs`. */
export async function stopNode(pid: number, graceMs = 30_000): Promise<void> {
  signal(pid, 'SIGTERM');
  for (let waited = 0; waited < graceMs; waited += POLL_MS) {
    if (!signal(pid, 0)) return;
    await delay(POLL_MS);
  }
  signal(pid, 'SIGKILL');
  while (signal(pid, 0)) await delay(POLL_MS);
}

/** False when there is no such process. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
