/** Which node leads a partition now. */
import { Kafka, logLevel } from 'kafkajs';

/** Node id of the leader of the topic's first partition. */
export async function leaderOf(brokers: readonly string[], topic: string): Promise<number> {
  const kafka = new Kafka({ clientId: 'firstfive-test', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const leader = topics[0]?.partitions[0]?.leader;
    if (leader === undefined || leader < 0) throw new Error(`${topic} has no leader`);
    return leader;
  } finally {
    await admin.disconnect();
  }
}
