/**
 * What was fetched and not yet polled: a queue per assigned partition, bounded in bytes by the pump that fills it.
 *
 * B1. Order holds per partition; partitions take turns, so that none waits for ever behind a busy one.
 * B2. A partition that is closed drops its records; what comes for a partition that is not open is dropped too.
 * B3. What lies here of a partition that its user has paused is set aside: it keeps nobody else's records out, or parked
 *     retries would hold up the input for as long as they wait.
 */
import { partitionKey, recordBytes, type StreamRecord, type TopicPartition } from '../../core/record.ts';
import type { PollRequest } from '../../runtime/log.ts';

interface Queue {
  readonly topic: string;
  isAside: boolean;
  records: StreamRecord[];
  head: number;
  bytes: number;
}

/** Entries behind the head are cut off once there are this many, so that taking costs no copy each time. */
const TRIM_AT = 1_024;

export class RecordBuffer {
  readonly #queues = new Map<string, Queue>();
  /** Of partitions that are not set aside. */
  #bytes = 0;
  #turn = 0;

  get bytes(): number {
    return this.#bytes;
  }

  open(at: TopicPartition): void {
    this.close(at);
    this.#queues.set(partitionKey(at), { topic: at.topic, isAside: false, records: [], head: 0, bytes: 0 });
  }

  /** B3. */
  setAside(at: TopicPartition, isAside: boolean): void {
    const queue = this.#queues.get(partitionKey(at));
    if (queue === undefined || queue.isAside === isAside) return;
    queue.isAside = isAside;
    this.#bytes += isAside ? -queue.bytes : queue.bytes;
  }

  close(at: TopicPartition): void {
    const key = partitionKey(at);
    this.setAside(at, true);
    this.#queues.delete(key);
  }

  isEmpty(at: TopicPartition): boolean {
    const queue = this.#queues.get(partitionKey(at));
    return queue === undefined || queue.head === queue.records.length;
  }

  push(record: StreamRecord): void {
    const queue = this.#queues.get(partitionKey(record));
    if (queue === undefined) return;
    const bytes = recordBytes(record);
    queue.records.push(record);
    queue.bytes += bytes;
    if (!queue.isAside) this.#bytes += bytes;
  }

  /** The first record is returned whatever its size. */
  take(
    request: Pick<PollRequest, 'maxRecords' | 'maxBytes'>,
    isPaused: (key: string, topic: string) => boolean,
  ): StreamRecord[] {
    const taken: StreamRecord[] = [];
    let room = request.maxBytes;
    const keys = [...this.#queues.keys()];
    const first = this.#turn++ % Math.max(1, keys.length);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[(first + i) % keys.length] ?? '';
      const queue = this.#queues.get(key);
      if (queue === undefined || isPaused(key, queue.topic)) continue;
      while (queue.head < queue.records.length && taken.length < request.maxRecords) {
        const record = queue.records[queue.head];
        if (record === undefined) break;
        const bytes = recordBytes(record);
        if (bytes > room && taken.length > 0) return this.#trimmed(queue, taken);
        taken.push(record);
        room -= bytes;
        queue.head += 1;
        queue.bytes -= bytes;
        if (!queue.isAside) this.#bytes -= bytes;
      }
      this.#trimmed(queue, taken);
    }
    return taken;
  }

  #trimmed(queue: Queue, taken: StreamRecord[]): StreamRecord[] {
    if (queue.head === queue.records.length) {
      queue.records = [];
      queue.head = 0;
    } else if (queue.head >= TRIM_AT) {
      queue.records.splice(0, queue.head);
      queue.head = 0;
    }
    return taken;
  }
}
