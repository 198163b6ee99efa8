/** Topics of the memory log: what is stored, and reading it by position. Every call takes effect at once or not at all. */
import { FirstFiveError } from '../core/errors.ts';
import { partitionForKey } from '../core/murmur2.ts';
import { type OutputRecord, partitionKey, recordBytes, type StreamRecord } from '../core/record.ts';
import { Pulse } from '../runtime/clock.ts';
import type { PartitionOffset, PollRequest, ReadFrom, TopicDescription, TopicSpec } from '../runtime/log.ts';

interface MemoryTopic {
  readonly spec: TopicSpec;
  readonly partitions: StreamRecord[][];
}

export class MemoryTopics {
  readonly #topics = new Map<string, MemoryTopic>();
  readonly appended = new Pulse();

  get names(): readonly string[] {
    return [...this.#topics.keys()];
  }

  ensure(spec: TopicSpec): void {
    const known = this.#topics.get(spec.name);
    if (known === undefined) {
      this.#topics.set(spec.name, { spec, partitions: Array.from({ length: spec.partitions }, () => []) });
    } else if (known.spec.partitions !== spec.partitions) {
      throw new FirstFiveError('TOPIC_MISMATCH', `${spec.name} has ${known.spec.partitions} partitions`);
    }
  }

  /** By partition. */
  records(name: string): readonly (readonly StreamRecord[])[] {
    return this.#topic(name).partitions;
  }

  describe(name: string): TopicDescription {
    const { spec, partitions } = this.#topic(name);
    return { ...spec, offsets: partitions.map((records) => ({ start: 0n, end: BigInt(records.length) })) };
  }

  append(records: readonly OutputRecord[]): readonly PartitionOffset[] {
    const places = records.map((record) => {
      const { partitions } = this.#topic(record.topic);
      const partition =
        record.partition ?? partitionForKey(record.key ?? new Uint8Array(), partitions.length);
      const into = partitions[partition];
      if (into === undefined)
        throw new FirstFiveError('TOPIC_MISMATCH', `${record.topic} has no partition ${partition}`);
      return { record, partition, into };
    });
    const written = places.map(({ record, partition, into }) => {
      const offset = BigInt(into.length);
      into.push({ ...record, partition, offset });
      return { topic: record.topic, partition, offset };
    });
    this.appended.announce();
    return written;
  }

  atTime(topic: string, timestampMs: number): readonly PartitionOffset[] {
    return this.#topic(topic).partitions.map((records, partition) => {
      const first = records.find((record) => record.timestamp >= timestampMs);
      return { topic, partition, offset: first?.offset ?? BigInt(records.length) };
    });
  }

  positionsFrom(topics: readonly string[], from: ReadFrom): Map<string, PartitionOffset> {
    const all: PartitionOffset[] = [];
    if (from.at === 'offsets') all.push(...from.offsets.map((at) => this.#held(at)));
    else {
      for (const topic of topics) {
        if (from.at === 'time') all.push(...this.atTime(topic, from.timestampMs));
        else {
          this.describe(topic).offsets.forEach(({ start, end }, partition) => {
            all.push({ topic, partition, offset: from.at === 'end' ? end : start });
          });
        }
      }
    }
    return new Map(all.map((at) => [partitionKey(at), at]));
  }

  /** Whether a `take` of these positions would return anything. */
  hasMore(positions: Iterable<PartitionOffset>): boolean {
    for (const at of positions) {
      if (at.offset < BigInt(this.#topic(at.topic).partitions[at.partition]?.length ?? 0)) return true;
    }
    return false;
  }

  /** Reads on from `positions`, in the order of `keys`, and moves them. */
  take(
    positions: Map<string, PartitionOffset>,
    request: Pick<PollRequest, 'maxRecords' | 'maxBytes'>,
    keys: Iterable<string> = positions.keys(),
  ): StreamRecord[] {
    const taken: StreamRecord[] = [];
    let bytes = 0;
    for (const key of [...keys]) {
      const at = positions.get(key);
      if (at === undefined) continue;
      const partition = this.#topic(at.topic).partitions[at.partition] ?? [];
      for (let i = Number(at.offset); i < partition.length; i++) {
        const record = partition[i] as StreamRecord;
        const size = recordBytes(record);
        const isFull = taken.length >= request.maxRecords || bytes + size > request.maxBytes;
        if (isFull && (taken.length > 0 || request.maxRecords === 0)) return taken;
        taken.push(record);
        bytes += size;
        positions.set(key, { ...at, offset: record.offset + 1n });
      }
    }
    return taken;
  }

  #topic(name: string): MemoryTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new FirstFiveError('TOPIC_NOT_FOUND', `no topic ${name}`);
    return topic;
  }

  #held(at: PartitionOffset): PartitionOffset {
    const end = this.describe(at.topic).offsets[at.partition]?.end;
    if (end !== undefined && at.offset >= 0n && at.offset <= end) return at;
    throw new FirstFiveError('OFFSET_OUT_OF_RANGE', `${partitionKey(at)} does not hold offset ${at.offset}`);
  }
}
