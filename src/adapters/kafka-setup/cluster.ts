/**
 * A development cluster on the loopback address: real Apache Kafka, one node or three, without Docker.
 *
 * K1. What was started is written down (`cluster.json`) before it is waited for: `down` finds it after any crash.
 * K2. Only processes that still run our properties file are ever signalled: pids are reused.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FirstFiveError } from '../../core/errors.ts';
import { freePorts } from './free-ports.ts';
import {
  type BrokerRuntime,
  formatStorage,
  nodeLogFile,
  propertiesFile,
  signal,
  startNode,
  stopNode,
} from './node-process.ts';
import { untilReady } from './readiness.ts';
import type { ClusterShape, NodePorts, SecureListener } from './server-properties.ts';

export interface ClusterOptions {
  readonly runtime: BrokerRuntime;
  /** Holds the data, the logs and `cluster.json`. */
  readonly dataDir: string;
  readonly nodes: 1 | 3;
  /** Goes on with the data of an earlier run instead of starting empty. */
  readonly keep?: boolean;
  readonly secure?: SecureListener;
  readonly scramUsers?: Readonly<Record<string, string>>;
  /** More properties for every node. */
  readonly extra?: Readonly<Record<string, string>>;
}

interface SavedCluster {
  readonly nodes: readonly (NodePorts & { readonly pid: number })[];
}

const STATE = 'cluster.json';
const READY_MS = 120_000;

export class KafkaCluster {
  /** `host:port,…` of the plain listeners. */
  readonly brokers: string;
  /** `host:port,…` of the secure listeners; empty without any. */
  readonly secureBrokers: string;
  readonly shape: ClusterShape;
  readonly #runtime: BrokerRuntime;
  readonly #pids: Map<number, number>;

  constructor(runtime: BrokerRuntime, shape: ClusterShape, pids: Map<number, number>) {
    this.#runtime = runtime;
    this.shape = shape;
    this.#pids = pids;
    this.brokers = shape.nodes.map((node) => `127.0.0.1:${node.port}`).join(',');
    this.secureBrokers = shape.nodes
      .flatMap((node) => (node.securePort === undefined ? [] : `127.0.0.1:${node.securePort}`))
      .join(',');
  }

  pidOf(nodeId: number): number | undefined {
    return this.#pids.get(nodeId);
  }

  /** `SIGKILL` is a crash; `SIGTERM` an orderly stop. Resolves when the process is gone. */
  async stopNode(nodeId: number, how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const pid = this.#pids.get(nodeId);
    if (pid === undefined) return;
    if (how === 'SIGKILL') signal(pid, 'SIGKILL');
    await stopNode(pid);
    this.#pids.delete(nodeId);
  }

  /** Starts a stopped node on its ports and data, and waits until all running nodes are listed. */
  async startNode(nodeId: number): Promise<void> {
    const node = this.shape.nodes.find((candidate) => candidate.id === nodeId);
    if (node === undefined || this.#pids.has(nodeId)) return;
    this.#pids.set(nodeId, startNode(this.#runtime, this.shape, node));
    await this.#save();
    // Its own listener: the others go on listing a crashed node for seconds.
    await this.#until(`127.0.0.1:${node.port}`);
  }

  ready(): Promise<void> {
    return this.#until(this.brokers);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#pids.keys()].map((id) => this.stopNode(id, 'SIGTERM')));
    await rm(join(this.shape.dataDir, STATE), { force: true });
  }

  async #until(brokers: string): Promise<void> {
    const isAlive = () => [...this.#pids.values()].every((pid) => signal(pid, 0));
    try {
      await untilReady(brokers, this.#pids.size, { deadlineMs: READY_MS, isAlive });
    } catch (cause) {
      const logs = this.shape.nodes.map((node) => nodeLogFile(this.shape, node)).join(', ');
      throw new FirstFiveError('LOG_UNAVAILABLE', `${String(cause)}; logs: ${logs}`, { cause });
    }
  }

  async #save(): Promise<void> {
    const nodes = this.shape.nodes.map((node) => ({ ...node, pid: this.#pids.get(node.id) ?? 0 }));
    const file = join(this.shape.dataDir, STATE);
    await writeFile(`${file}.new`, JSON.stringify({ nodes } satisfies SavedCluster));
    await rename(`${file}.new`, file);
  }

  static async start(options: ClusterOptions): Promise<KafkaCluster> {
    const { runtime, dataDir } = options;
    const saved = options.keep === true ? await readSaved(dataDir) : undefined;
    if (options.keep !== true) await rm(dataDir, { recursive: true, force: true });
    await mkdir(dataDir, { recursive: true });
    const nodes = saved?.nodes.length === options.nodes ? saved.nodes : await newNodes(options);
    const { secure, extra } = options;
    const shape: ClusterShape = {
      nodes: nodes.map(({ id, port, controllerPort, securePort }) => ({
        id,
        port,
        controllerPort,
        ...(securePort === undefined ? {} : { securePort }),
      })),
      dataDir,
      ...(secure === undefined ? {} : { secure }),
      ...(extra === undefined ? {} : { extra }),
    };
    await Promise.all(shape.nodes.map((node) => formatStorage(runtime, shape, node, options.scramUsers)));
    const pids = new Map(shape.nodes.map((node) => [node.id, startNode(runtime, shape, node)]));
    const cluster = new KafkaCluster(runtime, shape, pids);
    await cluster.#save(); // K1
    try {
      await cluster.ready();
    } catch (thrown) {
      await cluster.stop();
      throw thrown;
    }
    return cluster;
  }
}

/** `host:port,…` of a cluster that an earlier `start` left running in this folder. */
export async function runningBrokers(dataDir: string): Promise<string | undefined> {
  const running = await ownProcesses(dataDir);
  if (running.length === 0) return undefined;
  return running.map((node) => `127.0.0.1:${node.port}`).join(',');
}

/** Stops what an earlier `start` left running. Returns how many processes that were. The data stays. */
export async function stopRunning(dataDir: string): Promise<number> {
  const running = await ownProcesses(dataDir);
  await Promise.all(running.map((node) => stopNode(node.pid)));
  return running.length;
}

async function newNodes(options: ClusterOptions): Promise<readonly NodePorts[]> {
  const perNode = options.secure === undefined ? 2 : 3;
  const ports = await freePorts(options.nodes * perNode);
  return Array.from({ length: options.nodes }, (_, i) => {
    const [port = 0, controllerPort = 0, securePort] = ports.slice(i * perNode, (i + 1) * perNode);
    return { id: i + 1, port, controllerPort, ...(securePort === undefined ? {} : { securePort }) };
  });
}

/** K2. */
async function ownProcesses(dataDir: string): Promise<SavedCluster['nodes']> {
  const saved = await readSaved(dataDir);
  const own: SavedCluster['nodes'][number][] = [];
  for (const node of saved?.nodes ?? []) {
    if (node.pid <= 0) continue;
    const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(node.pid)]).catch(() => ({
      stdout: '',
    }));
    if (stdout.includes(propertiesFile({ nodes: [], dataDir }, node))) own.push(node);
  }
  return own;
}

async function readSaved(dataDir: string): Promise<SavedCluster | undefined> {
  const text = await readFile(join(dataDir, STATE), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as SavedCluster);
}
