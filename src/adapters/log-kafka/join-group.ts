/** Makes a group member out of its parts, in the order that matters. */
import { FirstFiveError } from '../../core/errors.ts';
import { partitionKey } from '../../core/record.ts';
import { Pulse } from '../../runtime/clock.ts';
import type { GroupMember, GroupOptions } from '../../runtime/log.ts';
import { Assignments } from './assignments.ts';
import { AtLeastOnce } from './at-least-once.ts';
import type {
  ClientConsumer,
  ClientError,
  ClientProducer,
  ClientTopicPartition,
  KafkaClient,
} from './client.ts';
import { connectClient } from './client-lifecycle.ts';
import { ConsumerPump } from './consumer-pump.ts';
import { KafkaGroupMember } from './group-member.ts';
import {
  idempotentConfig,
  MEMBER_TOPIC_CONFIG,
  memberConfig,
  PRODUCER_TOPIC_CONFIG,
  type ResolvedOptions,
  slotId,
  transactionalConfig,
} from './options.ts';
import { watchPartitionCounts } from './partition-counts.ts';
import { Reachability } from './reachability.ts';
import { RecordBuffer } from './record-buffer.ts';
import { startingPositions } from './starting-positions.ts';
import type { TopicCatalog } from './topic-catalog.ts';
import { Transactor } from './transactor.ts';

export interface JoinParts {
  readonly client: KafkaClient;
  readonly options: ResolvedOptions;
  readonly catalog: TopicCatalog;
  readonly onLeft: (member: GroupMember) => void;
}

const POLL_MS = 100;

/**
 * Resolves once the group has answered, or after `joinWaitMs` without an assignment. The producer comes first: its start
 * ends what an earlier process of the same slot left open, before offsets are read.
 */
export async function joinGroup(group: GroupOptions, parts: JoinParts): Promise<GroupMember> {
  const { client, options, catalog } = parts;
  for (const topic of group.topics) await catalog.partitionsOf(topic);
  const name = slotId(group.groupId, group.slot);
  const exactlyOnce = options.delivery === 'exactly-once';
  const producerConfig = exactlyOnce ? transactionalConfig(options, name) : idempotentConfig(options);
  const producer = new client.Producer(producerConfig, PRODUCER_TOPIC_CONFIG);
  const events: RebalanceEvents = { handle: () => {} };
  const consumer = new client.KafkaConsumer(
    {
      ...memberConfig(options, group.groupId, group.slot),
      ...(exactlyOnce ? {} : { offset_commit_cb: true }),
      rebalance_cb: (event: ClientError | undefined, partitions: readonly ClientTopicPartition[]) =>
        events.handle(event, partitions),
    },
    MEMBER_TOPIC_CONFIG,
  );
  const connectedProducer = await connectClient(producer, options.connection);
  producer.setPollInterval(POLL_MS);
  const committer = exactlyOnce
    ? new Transactor({ producer, name, transactionTimeoutMs: options.transactionTimeoutMs })
    : new AtLeastOnce(producer, consumer, name);
  try {
    await committer.init();
    const connectedConsumer = await connectClient(consumer, options.connection);
    const clients = [connectedConsumer, connectedProducer];
    return await subscribed(group, { ...parts, name, producer, consumer, committer, clients, events });
  } catch (thrown) {
    await connectedProducer.disconnect();
    throw thrown;
  }
}

interface RebalanceEvents {
  handle: (event: ClientError | undefined, partitions: readonly ClientTopicPartition[]) => void;
}

interface Connected extends JoinParts {
  readonly name: string;
  readonly producer: ClientProducer;
  readonly consumer: ClientConsumer;
  readonly committer: Transactor | AtLeastOnce;
  readonly clients: readonly { disconnect(): Promise<void> }[];
  readonly events: RebalanceEvents;
}

async function subscribed(group: GroupOptions, connected: Connected): Promise<GroupMember> {
  const { options, catalog, name, consumer, committer, clients, events } = connected;
  const buffer = new RecordBuffer();
  const paused = new Set<string>();
  const served = new Pulse();
  const assignments: Assignments = new Assignments({
    consumer,
    buffer,
    pump: () => pump,
    listener: group.listener,
    positions: (partitions) => startingPositions(consumer, group.groupId, partitions),
    transactionIdle: () => committer.idle(),
    revokeDrainMs: options.revokeDrainMs,
    onFailure: (thrown) => member.fail(thrown),
    onRevoked: (partitions) => {
      for (const at of partitions) paused.delete(partitionKey(at));
    },
  });
  const pump: ConsumerPump = new ConsumerPump({
    consumer,
    buffer,
    maxBufferedBytes: options.maxBufferedBytes,
    assigned: () => assignments.all,
    isPaused: (at) => paused.has(partitionKey(at)),
    onError: (thrown) => member.fail(thrown),
    onServed: () => served.announce(),
  });
  const stopWatching = watchPartitionCounts(catalog, group.topics, (error) => member.fail(error));
  const member: KafkaGroupMember = new KafkaGroupMember({
    name,
    consumer,
    clients,
    committer,
    buffer,
    pump,
    assignments,
    paused,
    catalog,
    reachability: new Reachability(consumer, options.connection.brokers.join(',')),
    maxGapMs: options.sessionTimeoutMs / 2,
    served,
    onLeft: (left) => {
      stopWatching();
      connected.onLeft(left);
    },
  });
  events.handle = (event, partitions) => assignments.handle(event, partitions);
  consumer.on('event.error', (error) => member.fail(error));
  try {
    consumer.subscribe(group.topics);
    pump.start();
    await assignments.firstAnswer(options.joinWaitMs);
  } catch (thrown) {
    await member.leave();
    throw thrown instanceof FirstFiveError ? thrown : new FirstFiveError('LOG_UNAVAILABLE', String(thrown));
  }
  return member;
}
