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

export const packageRoot = fileURLToPath(new URL('../../../', import.meta.url));

export interface TestBroker {
  readonly cluster: KafkaCluster;
  readonly brokers: readonly string[];
  open(options?: Partial<KafkaLogOptions>): Promise<KafkaLog>;
  stop(): Promise<void>;
}

export type BrokerOptions = Partial<Pick<ClusterOptions, 'nodes' | 'secure' | 'scramUsers' | 'extra'>>;

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
