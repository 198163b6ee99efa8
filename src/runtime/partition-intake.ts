/** One assigned partition: its frontier, the tasks under way, and the epoch that stamps its commits. */
import type { Span } from '@opentelemetry/api';
import { Frontier } from '../core/frontier.ts';
import { recordBytes, type StreamRecord } from '../core/record.ts';
import type { Assignment } from './log.ts';
import type { RecordTask, TaskResult } from './record-task.ts';

export interface FinishedTask {
  readonly task: RecordTask;
  readonly bytes: number;
  readonly result: TaskResult;
  /** Open until the commit: a record is done when its outputs are visible. */
  readonly span: Span;
}

export class PartitionIntake {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly frontier = new Frontier<FinishedTask>();
  readonly #running = new Map<bigint, RecordTask>();
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
    for (const task of this.#running.values()) task.abandon();
  }

  /** Next offset to commit. */
  get position(): bigint {
    return this.#position;
  }

  /** Takes the record in; the function returned files its result. */
  take(record: StreamRecord, task: RecordTask): (result: TaskResult, span: Span) => void {
    const finish = this.frontier.add(record.offset);
    this.#running.set(record.offset, task);
    const bytes = recordBytes(record);
    this.#heldBytes += bytes;
    return (result, span) => {
      this.#running.delete(record.offset);
      finish({ task, bytes, result, span });
    };
  }

  advance(count: number): void {
    this.#position = this.frontier.nextAfter(count);
    for (const { bytes } of this.frontier.finished(count)) this.#heldBytes -= bytes;
    this.frontier.advance(count);
  }

  /** The task that holds the frontier back, if any. */
  get oldest(): { readonly offset: bigint; readonly task: RecordTask } | undefined {
    const offset = this.frontier.oldestUnfinished;
    const task = offset === undefined ? undefined : this.#running.get(offset);
    return offset === undefined || task === undefined ? undefined : { offset, task };
  }
}
