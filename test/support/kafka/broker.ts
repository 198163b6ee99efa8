/** A real broker for a test file: started on free ports in a temporary folder, stopped and removed at the end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ClusterOptions, KafkaCluster } from '../../../src/adapters/kafka-setup/cluster.ts';
import { brokerRuntime } from '../../../src/adapters/kafka-setup/jars.ts';
import { type KafkaLog, openKafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts';
import type { KafkaLogOptions } from '../../../src/adapters/log-kafka/options.ts';
import { brokerPlaces, kafkaClientDir, setUpKafka } from '../../../src/cli/kafka/set-up.ts';
import { TcpProxy } from './tcp-proxy.ts';

export const packageRoot = fileURLToPath(new URL('../../../', import.meta.url));

export interface TestBroker {
  readonly cluster: KafkaCluster;
  readonly brokers: readonly string[];
  /** Where clients under test connect: the proxy, where there is one. */
  readonly clientBrokers: readonly string[];
  readonly proxy: TcpProxy | undefined;
  open(options?: Partial<KafkaLogOptions>): Promise<KafkaLog>;
  stop(): Promise<void>;
}

export type BrokerOptions = Partial<Pick<ClusterOptions, 'nodes' | 'secure' | 'scramUsers' | 'extra'>>;

/**
 * A broker that was killed is not let in again before its old session has ended: nine seconds by default, through which it leads what it
 * led before. Transactions that time out in that time are left open for ever (`left-open.ts`).
 */
const RESTARTS = {
  'broker.session.timeout.ms': '5000',
  'broker.heartbeat.interval.ms': '500',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
};

/** With `proxied` (one node), clients under test come through a proxy that can be cut or made slow. */
export async function startChaosBroker(options: { nodes: 1 | 3; proxied?: boolean }): Promise<TestBroker> {
  if (options.proxied !== true) return startTestBroker({ nodes: options.nodes, extra: RESTARTS });
  const proxy = await TcpProxy.listen();
  const secure = { protocol: 'PLAINTEXT', properties: {}, advertisedPort: proxy.port } as const;
  const broker = await startTestBroker({ nodes: 1, secure, extra: RESTARTS });
  proxy.targetPort = Number(broker.cluster.secureBrokers.split(':')[1]);
  return {
    ...broker,
    proxy,
    clientBrokers: [`127.0.0.1:${proxy.port}`],
    stop: async () => {
      await broker.stop();
      await proxy.close();
    },
  };
}

/** Builds and fetches what is missing first: minutes on a fresh checkout, so give the hook time. */
export async function startTestBroker(options: BrokerOptions = {}): Promise<TestBroker> {
  const context = { packageRoot, env: process.env, stderr: process.stderr };
  await setUpKafka(context, { broker: true });
  const dataDir = await mkdtemp(join(tmpdir(), 'firstfive-kafka-'));
  const runtime = await brokerRuntime(brokerPlaces(context));
  const cluster = await KafkaCluster.start({ nodes: 1, ...options, runtime, dataDir });
  const brokers = cluster.brokers.split(',');
  return {
    cluster,
    brokers,
    clientBrokers: brokers,
    proxy: undefined,
    open: (more = {}) =>
      openKafkaLog({
        connection: { brokers, clientId: 'firstfive-test' },
        clientDir: kafkaClientDir(packageRoot),
        ...more,
      }),
    stop: async () => {
      await cluster.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export const BROKER_HOOK_MS = 900_000;
