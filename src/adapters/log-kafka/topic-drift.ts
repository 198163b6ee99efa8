/** Topics of a cluster against what a topology asks for. The admin plane alone does it: no native client is needed. */
import type { TopicSpec } from '../../runtime/log.ts';
import { AdminClient } from './admin-client.ts';
import type { KafkaConnection } from './connection.ts';
import { TopicCatalog } from './topic-catalog.ts';
import { CONFIG_NAMES, specOf, type TopicDrift, topicDrift } from './topic-config.ts';

/** ConfigResource.Type.TOPIC of the protocol; kafkajs's own enumeration is not visible to ES modules. */
const TOPIC_RESOURCE = 2;

export interface TopicReport {
  /** Topics that are not there yet: they are created at the start. */
  readonly missing: readonly string[];
  readonly drift: readonly TopicDrift[];
}

/** Throws `LOG_UNAVAILABLE`, or `CONFIG_INVALID` where access is refused. */
export async function reportTopics(
  connection: KafkaConnection,
  topics: readonly TopicSpec[],
): Promise<TopicReport> {
  const client = new AdminClient(connection);
  try {
    return await compareTopics(client, new TopicCatalog(client), topics);
  } finally {
    await client.close();
  }
}

export async function compareTopics(
  client: AdminClient,
  catalog: TopicCatalog,
  topics: readonly TopicSpec[],
): Promise<TopicReport> {
  const known = await catalog.refresh();
  const missing = topics.filter((spec) => !known.has(spec.name)).map((spec) => spec.name);
  const existing = topics.filter((spec) => known.has(spec.name));
  if (existing.length === 0) return { missing, drift: [] };
  const configs = await readTopicConfigs(
    client,
    existing.map((spec) => spec.name),
  );
  const drift = existing.flatMap((spec) =>
    topicDrift(spec, specOf(spec.name, known.get(spec.name) ?? 0, configs.get(spec.name) ?? new Map())),
  );
  return { missing, drift };
}

/** By topic: the entries that a topology decides. */
export async function readTopicConfigs(
  client: AdminClient,
  names: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const { resources } = await client.call('reading topic configurations', (admin) =>
    admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: [...CONFIG_NAMES] })),
    }),
  );
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}
