/** One assigned partition: its frontier, the tasks under way, and the epoch that stamps its commits. */
import type { Span } from '@opentelemetry/api';
import { Frontier, type FrontierEntry } from '../core/frontier.ts';
import { recordBytes, type StreamRecord } from '../core/record.ts';
import type { Assignment } from './log.ts';
import type { RecordTask } from './record-task.ts';
import type { TaskResult } from './task-result.ts';

/** What is kept of a task until the commit: not the task, since tens of thousands may wait for one. */
export interface FinishedTask {
  /** As it was at its origin. */
  readonly record: StreamRecord;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly bytes: number;
  readonly result: TaskResult;
  /** Open until the commit: a record is done when its outputs are visible. */
  readonly span: Span;
}

export type Ended = Pick<FinishedTask, 'result' | 'span'>;

export class PartitionIntake {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly frontier = new Frontier<FinishedTask>();
  /** In offset order: a set keeps the order in which its members came. */
  readonly #running = new Set<RecordTask>();
  #revoked = false;
  #position: bigint;
  #heldBytes = 0;

  constructor(assignment: Assignment) {
    this.topic = assignment.topic;
    this.partition = assignment.partition;
    this.epoch = assignment.epoch;
    this.#position = assignment.position;
  }

  /** Records taken in and not yet committed, and their bytes. */
  get heldRecords(): number {
    return this.frontier.size;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Another member's now: nothing of it may be committed any more. */
  revoke(): void {
    this.#revoked = true;
    this.abandon();
  }

  get revoked(): boolean {
    return this.#revoked;
  }

  /** Ends every task under way without a result; what is finished may still be committed. */
  abandon(): void {
    for (const task of this.#running) task.abandon();
  }

  /** Next offset to commit. */
  get position(): bigint {
    return this.#position;
  }

  /** Takes the record in; `finish` with what is returned files its result. */
  take(record: StreamRecord, task: RecordTask): FrontierEntry<FinishedTask> {
    const entry = this.frontier.enter(record.offset);
    this.#running.add(task);
    this.#heldBytes += recordBytes(record);
    return entry;
  }

  /** `record` as it was taken in: out of a retry topic, it is another than the task's. */
  finish(entry: FrontierEntry<FinishedTask>, record: StreamRecord, task: RecordTask, ended: Ended): void {
    this.#running.delete(task);
    const { result, span } = ended;
    const bytes = recordBytes(record);
    this.frontier.finish(entry, { record: task.record, startedAt: task.startedAt, bytes, result, span });
  }

  advance(count: number): void {
    this.#position = this.frontier.nextAfter(count);
    for (const { bytes } of this.frontier.finished(count)) this.#heldBytes -= bytes;
    this.frontier.advance(count);
  }

  /** The task that holds the frontier back, if any. */
  get oldest(): { readonly offset: bigint; readonly task: RecordTask } | undefined {
    const offset = this.frontier.oldestUnfinished;
    const [task] = this.#running;
    return offset === undefined || task === undefined ? undefined : { offset, task };
  }
}
