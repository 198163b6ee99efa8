/**
 * A log in memory, for tests: the semantics of the port without files, brokers or waiting. Several members share a group's
 * partitions; a member that joins with the slot of another one fences it, so that zombies can be tested.
 */
import type { OutputRecord, StreamRecord } from '../core/record.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import type {
  GroupMember,
  GroupOptions,
  Log,
  LogAdmin,
  LogReader,
  PartitionOffset,
  PollRequest,
  ReadFrom,
  TopicSpec,
} from '../runtime/log.ts';
import { MemoryGroup } from './memory-group.ts';
import { MemoryMember, type PollPortion } from './memory-member.ts';
import type { LogStep, MemoryLogFault } from './memory-step.ts';
import { MemoryTopics } from './memory-topics.ts';
import { waitForRecords } from './memory-wait.ts';

/** What the connections of one log share. */
interface Shared {
  readonly clock: Clock;
  readonly topics: MemoryTopics;
  readonly groups: Map<string, MemoryGroup>;
}

export class MemoryLog implements Log {
  readonly #shared: Shared;
  readonly admin: LogAdmin;
  /** Of this connection. */
  fault: MemoryLogFault = () => {};
  /** Uniform in [0, 1). With it, polls return a random part of what there is; without it, all that was asked for. */
  random: (() => number) | undefined;

  constructor(clock: Clock, shared?: Shared) {
    const topics = new MemoryTopics();
    this.#shared = shared ?? { clock, topics, groups: new Map() };
    this.admin = adminOf(this.#shared);
  }

  /** The same log through a connection of its own, as another process would have it: with faults of its own. */
  connect(clock: Clock = this.#shared.clock): MemoryLog {
    return new MemoryLog(clock, { ...this.#shared, clock });
  }

  async join(options: GroupOptions): Promise<GroupMember> {
    const { topics } = this.#shared;
    for (const topic of options.topics) topics.describe(topic);
    const group = this.#group(options.groupId);
    const member = new MemoryMember({
      options,
      group,
      topics,
      fault: (step) => this.#step(step),
      idle: (ms, signal) => this.#idle(ms, signal),
      portion: (keys, request) => this.#portion(keys, request),
    });
    await group.join(member);
    return {
      poll: (request) => member.poll(request),
      commit: (unit) => member.commit(unit),
      pause: (partitions) => member.pause(partitions),
      resume: (partitions) => member.resume(partitions),
      leave: () => member.leave(),
    };
  }

  async append(records: readonly OutputRecord[]): Promise<readonly PartitionOffset[]> {
    await this.#step('append');
    return this.#shared.topics.append(records);
  }

  async openReader(names: readonly string[], from: ReadFrom): Promise<LogReader> {
    const { topics } = this.#shared;
    const positions = topics.positionsFrom(names, from);
    const idle = (ms: number, signal: AbortSignal | undefined) => this.#idle(ms, signal);
    return {
      next: (request) =>
        waitForRecords(request, idle, async () => {
          await this.#step('read');
          return topics.take(positions, request);
        }),
      positions: () => [...positions.values()],
      close: async () => {},
    };
  }

  async close(): Promise<void> {}

  /** Everything in a topic, by partition. */
  records(topic: string): readonly (readonly StreamRecord[])[] {
    return this.#shared.topics.records(topic);
  }

  /** Drops the member with this slot, as a group does when its session time-out has passed. */
  expire(groupId: string, slot: string): void {
    this.#group(groupId).expire(slot);
  }

  ensureTopic(spec: TopicSpec): void {
    this.#shared.topics.ensure(spec);
  }

  /** `append` without its step: nothing can go wrong with it, and it takes effect before it returns. */
  write(records: readonly OutputRecord[]): readonly PartitionOffset[] {
    return this.#shared.topics.append(records);
  }

  /** Records that a group has still to commit: of `topics`, and of every topic that a member of it has ever read. */
  lag(groupId: string, ...topics: readonly string[]): number {
    return this.#group(groupId).lag(topics, (topic) => this.#shared.topics.describe(topic).offsets);
  }

  /** Slots of a group's members. */
  members(groupId: string): readonly string[] {
    return this.#group(groupId).slots;
  }

  #group(groupId: string): MemoryGroup {
    const { groups, topics } = this.#shared;
    const group = groups.get(groupId) ?? new MemoryGroup((topic) => topics.describe(topic).partitions);
    groups.set(groupId, group);
    return group;
  }

  async #step(step: LogStep): Promise<void> {
    await this.fault(step);
  }

  async #idle(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const early = new AbortController();
    const wake = () => early.abort();
    if (signal?.aborted) return;
    signal?.addEventListener('abort', wake, { once: true });
    void this.#shared.topics.appended.next().then(wake);
    await sleep(this.#shared.clock, ms, early.signal);
    signal?.removeEventListener('abort', wake);
  }

  #portion(keys: readonly string[], { maxRecords }: PollRequest): PollPortion {
    const { random } = this;
    if (random === undefined || keys.length === 0) return { keys, maxRecords };
    const first = Math.floor(random() * keys.length);
    return {
      keys: [...keys.slice(first), ...keys.slice(0, first)],
      maxRecords: 1 + Math.floor(random() * maxRecords),
    };
  }
}

function adminOf({ topics, groups }: Shared): LogAdmin {
  return {
    ensureTopics: async (specs: readonly TopicSpec[]) => {
      for (const spec of specs) topics.ensure(spec);
    },
    describeTopics: async (names) => (names ?? topics.names).map((name) => topics.describe(name)),
    committedOffsets: async (groupId) => [...(groups.get(groupId)?.committed.values() ?? [])],
    offsetsForTime: async (topic, timestampMs) => topics.atTime(topic, timestampMs),
    clean: async () => 0,
  };
}
