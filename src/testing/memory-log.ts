/**
 * A log in memory, for tests: the semantics of the port without files or time. One owner per group; a second `join` takes
 * over and fences the first, so that zombies can be tested.
 */
import { FirstFiveError } from '../core/errors.ts';
import { partitionForKey } from '../core/murmur2.ts';
import {
  type OutputRecord,
  partitionKey,
  recordBytes,
  type StreamRecord,
  type TopicPartition,
} from '../core/record.ts';
import { type Clock, Pulse } from '../runtime/clock.ts';
import type {
  Assignment,
  CommitUnit,
  GroupMember,
  GroupOptions,
  Log,
  LogReader,
  PartitionOffset,
  PollRequest,
  ReadFrom,
  TopicDescription,
  TopicSpec,
} from '../runtime/log.ts';

interface MemoryTopic {
  readonly spec: TopicSpec;
  readonly partitions: StreamRecord[][];
}

interface Group {
  epoch: number;
  readonly committed: Map<string, PartitionOffset>;
}

/** Called before a step takes effect; a test throws from it to inject a failure. */
export type MemoryLogFault = (step: 'poll' | 'commit' | 'committed' | 'append') => void;

export class MemoryLog implements Log {
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #groups = new Map<string, Group>();
  readonly #appended = new Pulse();
  readonly #clock: Clock;
  fault: MemoryLogFault = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly admin = {
    ensureTopics: async (topics: readonly TopicSpec[]) => {
      for (const spec of topics) this.#ensure(spec);
    },
    describeTopics: async (names?: readonly string[]) =>
      (names ?? [...this.#topics.keys()]).map((name) => this.#describe(name)),
    committedOffsets: async (groupId: string) => [...(this.#groups.get(groupId)?.committed.values() ?? [])],
    offsetsForTime: async (topic: string, timestampMs: number) =>
      this.#topic(topic).partitions.map((records, partition) => {
        const first = records.find((record) => record.timestamp >= timestampMs);
        return { topic, partition, offset: first?.offset ?? BigInt(records.length) };
      }),
    clean: async () => 0,
  };

  async join(options: GroupOptions): Promise<GroupMember> {
    const group = this.#groups.get(options.groupId) ?? { epoch: 0, committed: new Map() };
    this.#groups.set(options.groupId, group);
    group.epoch += 1;
    const epoch = group.epoch;
    const assignments = options.topics.flatMap((topic) =>
      this.#topic(topic).partitions.map((_, partition): Assignment => {
        const committed = group.committed.get(partitionKey({ topic, partition }));
        return { topic, partition, epoch, position: committed?.offset ?? 0n };
      }),
    );
    await options.listener.onAssigned(assignments);
    return this.#member(group, epoch, assignments);
  }

  async append(records: readonly OutputRecord[]): Promise<readonly PartitionOffset[]> {
    this.fault('append');
    return this.#write(records);
  }

  async openReader(topics: readonly string[], from: ReadFrom): Promise<LogReader> {
    const positions = await this.#startingAt(topics, from);
    return {
      next: (request) => this.#read(positions, request, () => false),
      positions: () => [...positions.values()],
      close: async () => {},
    };
  }

  async close(): Promise<void> {}

  /** Everything in a topic, by partition. */
  records(topic: string): readonly (readonly StreamRecord[])[] {
    return this.#topic(topic).partitions;
  }

  #ensure(spec: TopicSpec): void {
    const known = this.#topics.get(spec.name);
    if (known === undefined) {
      this.#topics.set(spec.name, { spec, partitions: Array.from({ length: spec.partitions }, () => []) });
    } else if (known.spec.partitions !== spec.partitions) {
      throw new FirstFiveError('TOPIC_MISMATCH', `${spec.name} has ${known.spec.partitions} partitions`);
    }
  }

  #topic(name: string): MemoryTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new FirstFiveError('TOPIC_NOT_FOUND', `no topic ${name}`);
    return topic;
  }

  #describe(name: string): TopicDescription {
    const { spec, partitions } = this.#topic(name);
    return { ...spec, offsets: partitions.map((records) => ({ start: 0n, end: BigInt(records.length) })) };
  }

  #write(records: readonly OutputRecord[]): readonly PartitionOffset[] {
    const places = records.map((record) => {
      const topic = this.#topic(record.topic);
      const partition =
        record.partition ?? partitionForKey(record.key ?? new Uint8Array(), topic.partitions.length);
      const into = topic.partitions[partition];
      if (into === undefined)
        throw new FirstFiveError('TOPIC_MISMATCH', `${record.topic} has no partition ${partition}`);
      return { record, partition, into };
    });
    const written = places.map(({ record, partition, into }) => {
      const offset = BigInt(into.length);
      into.push({ ...record, partition, offset });
      return { topic: record.topic, partition, offset };
    });
    this.#appended.announce();
    return written;
  }

  #member(group: Group, epoch: number, assignments: readonly Assignment[]): GroupMember {
    const positions = new Map(assignments.map((at) => [partitionKey(at), { ...at, offset: at.position }]));
    const paused = new Set<string>();
    let left = false;
    const requireOwner = () => {
      if (group.epoch !== epoch || left)
        throw new FirstFiveError('LOG_FENCED', 'another member owns the group');
    };
    return {
      poll: async (request) => {
        this.fault('poll');
        if (!left) requireOwner();
        return left ? [] : this.#read(positions, request, (key) => paused.has(key));
      },
      commit: async (unit: CommitUnit) => {
        this.fault('commit');
        requireOwner();
        if (unit.offsets.some((at) => at.epoch !== epoch)) {
          throw new FirstFiveError('LOG_FENCED', 'an offset carries the epoch of another assignment');
        }
        this.#write(unit.outputs);
        for (const { topic, partition, offset } of unit.offsets) {
          group.committed.set(partitionKey({ topic, partition }), { topic, partition, offset });
        }
        this.fault('committed');
      },
      pause: (partitions: readonly TopicPartition[]) => {
        for (const at of partitions) paused.add(partitionKey(at));
      },
      resume: (partitions: readonly TopicPartition[]) => {
        for (const at of partitions) paused.delete(partitionKey(at));
        this.#appended.announce();
      },
      leave: async () => {
        left = true;
      },
    };
  }

  async #startingAt(topics: readonly string[], from: ReadFrom): Promise<Map<string, PartitionOffset>> {
    const all: PartitionOffset[] = [];
    if (from.at === 'offsets') all.push(...from.offsets.map((at) => this.#held(at)));
    else {
      for (const topic of topics) {
        if (from.at === 'time') all.push(...(await this.admin.offsetsForTime(topic, from.timestampMs)));
        else {
          this.#describe(topic).offsets.forEach(({ start, end }, partition) => {
            all.push({ topic, partition, offset: from.at === 'end' ? end : start });
          });
        }
      }
    }
    return new Map(all.map((at) => [partitionKey(at), at]));
  }

  #held(at: PartitionOffset): PartitionOffset {
    const end = this.#describe(at.topic).offsets[at.partition]?.end;
    if (end !== undefined && at.offset >= 0n && at.offset <= end) return at;
    throw new FirstFiveError('OFFSET_OUT_OF_RANGE', `${partitionKey(at)} does not hold offset ${at.offset}`);
  }

  async #read(
    positions: Map<string, PartitionOffset>,
    request: PollRequest,
    skipped: (key: string) => boolean,
  ): Promise<readonly StreamRecord[]> {
    const records = this.#take(positions, request, skipped);
    if (records.length > 0 || request.maxWaitMs === 0 || request.signal?.aborted) return records;
    await this.#wait(request);
    return this.#take(positions, request, skipped);
  }

  #take(
    positions: Map<string, PartitionOffset>,
    request: PollRequest,
    skipped: (key: string) => boolean,
  ): StreamRecord[] {
    const taken: StreamRecord[] = [];
    let bytes = 0;
    for (const [key, at] of positions) {
      if (skipped(key)) continue;
      const partition = this.#topic(at.topic).partitions[at.partition] ?? [];
      for (const record of partition.slice(Number(at.offset))) {
        const size = recordBytes(record);
        if (taken.length >= request.maxRecords || (taken.length > 0 && bytes + size > request.maxBytes)) {
          return taken;
        }
        taken.push(record);
        bytes += size;
        positions.set(key, { ...at, offset: record.offset + 1n });
      }
    }
    return taken;
  }

  #wait(request: PollRequest): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(request.maxWaitMs, resolve);
      const wake = () => {
        cancel();
        resolve();
      };
      request.signal?.addEventListener('abort', wake, { once: true });
      void this.#appended.next().then(wake);
    });
  }
}
