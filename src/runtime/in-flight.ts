/**
 * What a stage holds between intake and commit: its assigned partitions, the work under way, and what waits for a turn.
 *
 * I1. At most `concurrency` records are worked on; those taken in beyond that wait in the order in which they came.
 * I2. Records of partitions that are not assigned (any more) are dropped: their owner reads them.
 */
import { context } from '@opentelemetry/api';
import { Fifo } from '../core/fifo.ts';
import { partitionKey, type StreamRecord, type TopicPartition } from '../core/record.ts';
import type { Assignment } from './log.ts';
import { PartitionIntake } from './partition-intake.ts';
import { RecordTask, type TaskEnvironment, type TaskResult } from './record-task.ts';

export interface InFlightListener {
  /** A record has its result, or was abandoned. */
  onFinished(): void;
  /** A defect of ours: a task must not throw. */
  onDefect(thrown: unknown): void;
}

export class InFlight {
  readonly intakes = new Map<string, PartitionIntake>();
  readonly #env: TaskEnvironment;
  readonly #listener: InFlightListener;
  readonly #waiting = new Fifo<() => void>();
  #working = 0;

  constructor(env: TaskEnvironment, listener: InFlightListener) {
    this.#env = env;
    this.#listener = listener;
  }

  get records(): number {
    let records = 0;
    for (const intake of this.intakes.values()) records += intake.heldRecords;
    return records;
  }

  get bytes(): number {
    let bytes = 0;
    for (const intake of this.intakes.values()) bytes += intake.heldBytes;
    return bytes;
  }

  /** Records of finished prefixes: what a commit could take. */
  get committable(): number {
    let records = 0;
    for (const intake of this.intakes.values()) records += intake.frontier.finishedCount;
    return records;
  }

  assign(partitions: readonly Assignment[]): void {
    for (const assignment of partitions) {
      this.intakes.set(partitionKey(assignment), new PartitionIntake(assignment));
    }
  }

  held(partitions: readonly TopicPartition[]): readonly PartitionIntake[] {
    return partitions.flatMap((at) => this.intakes.get(partitionKey(at)) ?? []);
  }

  revoke(partitions: readonly TopicPartition[]): void {
    for (const intake of this.held(partitions)) {
      intake.revoke();
      this.intakes.delete(partitionKey(intake));
    }
  }

  abandon(): void {
    for (const intake of this.intakes.values()) intake.abandon();
  }

  take(records: readonly StreamRecord[]): void {
    for (const record of records) {
      const intake = this.intakes.get(partitionKey(record));
      if (intake !== undefined) this.#takeInto(intake, record);
    }
    this.#startWaiting();
  }

  #takeInto(intake: PartitionIntake, record: StreamRecord): void {
    const task = new RecordTask(record, this.#env);
    const finish = intake.take(record, task);
    const { span, parent } = this.#env.telemetry.startRecord(record);
    const done = (result: TaskResult | undefined) => {
      this.#working -= 1;
      // Abandoned: another owner, or the next start, reads the record again.
      if (result === undefined) span.end();
      else finish(result, span);
      this.#listener.onFinished();
      this.#startWaiting();
    };
    this.#waiting.push(() => {
      context.with(parent, () => task.run()).then(done, (thrown) => this.#listener.onDefect(thrown));
    });
  }

  #startWaiting(): void {
    while (this.#working < this.#env.spec.intake.concurrency) {
      const start = this.#waiting.shift();
      if (start === undefined) return;
      this.#working += 1;
      start();
    }
  }
}
