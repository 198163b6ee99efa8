/** Makes a group member out of its parts, in the order that matters. */
import { FirstFiveError } from '../../core/errors.ts';
import { partitionKey } from '../../core/record.ts';
import { Pulse } from '../../runtime/clock.ts';
import type { GroupMember, GroupOptions } from '../../runtime/log.ts';
import { Assignments } from './assignments.ts';
import { AtLeastOnce } from './at-least-once.ts';
import type { ClientConsumer, ClientError, ClientTopicPartition, KafkaClient } from './client.ts';
import { connectClient } from './client-lifecycle.ts';
import { ConsumerPump } from './consumer-pump.ts';
import { KafkaGroupMember, type SlotTransactions, type UnitCommitter } from './group-member.ts';
import { LastCommit } from './last-commit.ts';
import { LeftOpen } from './left-open.ts';
import {
  idempotentConfig,
  MEMBER_TOPIC_CONFIG,
  memberConfig,
  PRODUCER_TOPIC_CONFIG,
  type ResolvedOptions,
  slotId,
  transactionalConfig,
} from './options.ts';
import { boundsOf, type PartitionBounds } from './partition-bounds.ts';
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
  readonly bounds: PartitionBounds;
  readonly onLeft: (member: GroupMember) => void;
}

const POLL_MS = 100;

/** Beyond the time after which a coordinator ends a forgotten transaction: for finding it, and for the group's own delays. */
const PATIENCE_MS = 30_000;

/**
 * Resolves once the group has answered, or after `joinWaitMs` without an assignment. The producer starts before the consumer
 * subscribes: that ends what an earlier process of the same slot left open, before offsets are read.
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
      ...memberConfig(options, group.groupId, group.slot, group.topics),
      ...(exactlyOnce ? {} : { offset_commit_cb: true }),
      rebalance_cb: (event: ClientError | undefined, partitions: readonly ClientTopicPartition[]) =>
        events.handle(event, partitions),
    },
    MEMBER_TOPIC_CONFIG,
  );
  const clients: { disconnect(): Promise<void> }[] = [];
  try {
    clients.push(await connectClient(producer, options.connection));
    producer.setPollInterval(POLL_MS);
    clients.unshift(await connectClient(consumer, options.connection));
    const transactionTimeoutMs = options.transactionTimeoutMs;
    const connected = { ...parts, name, consumer, clients, events };
    if (!exactlyOnce) {
      const committer = new AtLeastOnce(producer, consumer, name);
      return await subscribed(group, { ...connected, committer, slotTransactions: undefined });
    }
    const committer = new Transactor({ producer, name, transactionTimeoutMs });
    await committer.init();
    const slotTransactions = await nothingLeftOpen(group, committer, consumer, parts);
    return await subscribed(group, { ...connected, committer, slotTransactions });
  } catch (thrown) {
    for (const client of clients) await client.disconnect();
    throw thrown;
  }
}

async function nothingLeftOpen(
  group: GroupOptions,
  transactor: Transactor,
  consumer: ClientConsumer,
  { catalog, bounds }: JoinParts,
): Promise<LeftOpen> {
  const leftOpen = new LeftOpen({
    consumer,
    cancelled: (work) => transactor.cancelled(work),
    partitionsOf: (topic) => catalog.partitionsOf(topic),
    ends: (topic, partitions) => bounds.of(topic, partitions),
    stableEnds: (topic, partitions) => boundsOf(consumer, topic, partitions),
  });
  await leftOpen.endOffsets();
  await leftOpen.endOutputs(group.outputs ?? []);
  return leftOpen;
}

interface RebalanceEvents {
  handle: (event: ClientError | undefined, partitions: readonly ClientTopicPartition[]) => void;
}

interface Connected extends JoinParts {
  readonly name: string;
  readonly consumer: ClientConsumer;
  readonly committer: UnitCommitter;
  readonly slotTransactions: SlotTransactions | undefined;
  readonly clients: readonly { disconnect(): Promise<void> }[];
  readonly events: RebalanceEvents;
}

async function subscribed(group: GroupOptions, connected: Connected): Promise<GroupMember> {
  const { options, catalog, name, consumer, committer, slotTransactions, clients, events } = connected;
  const buffer = new RecordBuffer();
  const paused = new Set<string>();
  const ends = new Map<string, bigint>();
  const served = new Pulse();
  const reachability = new Reachability(consumer, options.connection.brokers.join(','), () =>
    member.checkLastCommit(),
  );
  const assignments: Assignments = new Assignments({
    consumer,
    buffer,
    pump: () => pump,
    listener: group.listener,
    positions: (partitions) => startingPositions(consumer, group.groupId, partitions),
    transactionIdle: () => committer.idle(),
    revokeDrainMs: options.revokeDrainMs,
    isReachable: () => reachability.isReachable,
    patienceMs: options.transactionTimeoutMs + PATIENCE_MS,
    onFailure: (thrown) => member.fail(thrown),
    onRevoked: (partitions) => {
      for (const key of partitions.map(partitionKey)) {
        paused.delete(key);
        ends.delete(key);
      }
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
    slotTransactions,
    lastCommit: new LastCommit({ consumer, idle: () => committer.idle() }),
    buffer,
    pump,
    assignments,
    paused,
    ends,
    catalog,
    reachability,
    maxGapMs: options.sessionTimeoutMs / 2,
    served,
    onLeft: (left) => {
      stopWatching();
      connected.onLeft(left);
    },
  });
  events.handle = (event, partitions) => assignments.handle(event, partitions);
  consumer.on('event.error', (error) => member.fail(error));
  consumer.on('partition.eof', (at) => ends.set(partitionKey(at), BigInt(at.offset)));
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
