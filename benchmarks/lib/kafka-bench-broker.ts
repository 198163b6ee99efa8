/** The one broker that all programs of a benchmark share, with the little of its admin plane that is needed. */
import { setTimeout as delay } from 'node:timers/promises';
import { AdminClient } from '../../src/adapters/log-kafka/admin-client.ts';
import { loadClient } from '../../src/adapters/log-kafka/client.ts';
import { kafkaClientDir } from '../../src/cli/kafka/set-up.ts';
import { packageRoot, startTestBroker } from '../../test/support/kafka/broker.ts';
import type { LoadPlace } from './kafka-load.ts';

export const PARTITIONS = 4;
const LEADER_TRIES = 300;
const LEADER_WAIT_MS = 100;

export interface BenchBroker extends LoadPlace {
  readonly clientDir: string;
  createTopic(topic: string): Promise<void>;
  deleteTopic(topic: string): Promise<void>;
  /** Sum of the offsets that the group has committed; on a topic without transactions that is a count of records. */
  committed(group: string, topic: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startBenchBroker(): Promise<BenchBroker> {
  // Outputs are gigabytes in all: a deleted topic must not lie about for its usual minute.
  const broker = await startTestBroker({ extra: { 'log.segment.delete.delay.ms': '1000' } });
  const clientDir = kafkaClientDir(packageRoot);
  // It runs detached: whoever interrupts the benchmark means it too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void broker.stop().finally(() => process.exit(1)));
  }
  const admin = new AdminClient({ brokers: broker.brokers, clientId: 'bench' });
  return {
    client: loadClient(clientDir),
    brokers: broker.brokers,
    clientDir,
    createTopic: async (topic) => {
      const topics = [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }];
      await admin.call('creating a topic', (client) =>
        client.createTopics({ topics, waitForLeaders: false }),
      );
      await untilLed(admin, topic);
    },
    deleteTopic: async (topic) => {
      await admin.call('deleting a topic', (client) => client.deleteTopics({ topics: [topic] }));
    },
    committed: async (groupId, topic) => {
      const request = { groupId, topics: [topic] };
      const asked = admin.call('asking for offsets', (client) => client.fetchOffsets(request));
      // A new group's coordinator says so for a while; that nothing moves for long is noticed by the caller.
      const [found] = await asked.catch(() => []);
      return (found?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
    },
    stop: async () => {
      await admin.close();
      await broker.stop();
    },
  };
}

/** kafkajs's own wait for leaders gives up early on a busy machine. */
async function untilLed(admin: AdminClient, topic: string): Promise<void> {
  const isLed = () =>
    admin.call('describing a topic', async (client) => {
      const { topics } = await client.fetchTopicMetadata({ topics: [topic] });
      const partitions = topics[0]?.partitions ?? [];
      return partitions.length === PARTITIONS && partitions.every(({ leader }) => leader >= 0);
    });
  for (let tries = 0; tries < LEADER_TRIES; tries++) {
    if (await isLed().catch(() => false)) return;
    await delay(LEADER_WAIT_MS);
  }
  throw new Error(`topic ${topic} has no leaders`);
}
