/**
 * What a stage holds between intake and commit: its assigned partitions, the work under way, and what waits for a turn.
 *
 * I1. At most `concurrency` records are worked on; those taken in beyond that wait in the order in which they came. One that
 *     waits for its next attempt gives its place to the others, and is the next to get one when its wait is over.
 * I2. Records of partitions that are not assigned (any more) are dropped: their owner reads them.
 * I3. What a record is decides who works on it: the stage's handler, also for one out of a retry topic, or `publishHandler`.
 * I4. A partition that is given up and comes back is another one: whoever revokes names the intake that it means, since a revocation
 *     may end (its last commit hangs on brokers that are away) when the partition is already ours anew.
 */
import type { Context, Span } from '@opentelemetry/api';
import { Fifo } from '../core/fifo.ts';
import type { FrontierEntry } from '../core/frontier.ts';
import { partitionKey, type StreamRecord, type TopicPartition } from '../core/record.ts';
import { parseParked } from '../core/retry-record.ts';
import type { Assignment } from './log.ts';
import { type FinishedTask, PartitionIntake } from './partition-intake.ts';
import { publishHandler } from './publish-handler.ts';
import { RecordTask, type TaskListener } from './record-task.ts';
import type { TaskEnvironment, TaskResult } from './task-result.ts';

export interface InFlightListener {
  /** A record has its result, or was abandoned. */
  onFinished(): void;
  /** A defect of ours: a task must not throw. */
  onDefect(thrown: unknown): void;
}

interface WorkParts {
  readonly intake: PartitionIntake;
  readonly record: StreamRecord;
  readonly task: RecordTask;
  readonly entry: FrontierEntry<FinishedTask>;
  readonly span: Span;
  readonly parent: Context | undefined;
  readonly places: Places;
}

/** What becomes of the place that a record holds among those worked on. */
interface Places {
  onFinished(): void;
  onResting(): void;
  onRested(goOn: () => void): void;
  onDefect(thrown: unknown): void;
}

/** One record on its way: one object, where closures would be five for every record. */
class Work implements TaskListener {
  readonly #parts: WorkParts;

  constructor(parts: WorkParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.task.start(this, this.#parts.parent);
  }

  onEnded(result: TaskResult | undefined): void {
    const { intake, record, task, entry, span, places } = this.#parts;
    // Abandoned: another owner, or the next start, reads the record again.
    if (result === undefined) span.end();
    else intake.finish(entry, record, task, { result, span });
    places.onFinished();
  }

  onResting(): void {
    this.#parts.places.onResting();
  }

  onRested(goOn: () => void): void {
    this.#parts.places.onRested(goOn);
  }

  onDefect(thrown: unknown): void {
    this.#parts.places.onDefect(thrown);
  }
}

export class InFlight {
  readonly intakes = new Map<string, PartitionIntake>();
  readonly #env: TaskEnvironment;
  readonly #publishing: TaskEnvironment;
  readonly #tiers: ReadonlyMap<string, number>;
  readonly #listener: InFlightListener;
  readonly #waiting = new Fifo<Work>();
  readonly #places: Places;
  readonly #rested = new Fifo<() => void>();
  #working = 0;
  #isStarting = false;

  constructor(env: TaskEnvironment, listener: InFlightListener) {
    this.#env = env;
    const { outputs, retryTiers = [] } = env.spec;
    this.#publishing = { ...env, handler: publishHandler(outputs.score ?? '') };
    this.#tiers = new Map(retryTiers.map(({ topic }, tier) => [topic, tier]));
    this.#places = {
      onFinished: () => this.#onFinished(),
      onResting: () => this.#onResting(),
      onRested: (goOn) => this.#onRested(goOn),
      onDefect: (thrown) => listener.onDefect(thrown),
    };
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
      this.intakes.get(partitionKey(assignment))?.revoke();
      this.intakes.set(partitionKey(assignment), new PartitionIntake(assignment));
    }
  }

  held(partitions: readonly TopicPartition[]): readonly PartitionIntake[] {
    return partitions.flatMap((at) => this.intakes.get(partitionKey(at)) ?? []);
  }

  /** I4. Returns those that were still held; in place of the others stand newer ones. */
  revoke(intakes: readonly PartitionIntake[]): readonly PartitionIntake[] {
    const held = intakes.filter((intake) => this.intakes.get(partitionKey(intake)) === intake);
    for (const intake of intakes) intake.revoke();
    for (const intake of held) this.intakes.delete(partitionKey(intake));
    return held;
  }

  abandon(): void {
    for (const intake of this.intakes.values()) intake.abandon();
  }

  take(records: readonly StreamRecord[]): void {
    let intake: PartitionIntake | undefined;
    for (const record of records) {
      // Records come in runs of a partition: it is looked up once for each run.
      if (intake?.partition !== record.partition || intake.topic !== record.topic) {
        intake = this.intakes.get(partitionKey(record));
      }
      if (intake !== undefined) this.#takeInto(intake, record);
    }
    this.#startWaiting();
  }

  #takeInto(intake: PartitionIntake, record: StreamRecord): void {
    const task = this.#taskOf(record);
    const entry = intake.take(record, task);
    const { span, parent } = this.#env.telemetry.startRecord(record);
    this.#waiting.push(new Work({ intake, record, task, entry, span, parent, places: this.#places }));
  }

  /** I3. A record of a retry topic without our headers is taken as it lies there, at the first attempt. */
  #taskOf(record: StreamRecord): RecordTask {
    const { topic } = record;
    if (topic === this.#env.spec.input) return new RecordTask(record, this.#env);
    const tier = this.#tiers.get(topic);
    if (tier === undefined) return new RecordTask(record, this.#publishing);
    const parked = parseParked(record);
    return new RecordTask(parked?.origin ?? record, this.#env, {
      attempts: parked?.attempts ?? 0,
      firstFailureAt: parked?.firstFailureAt,
      tier,
    });
  }

  #onFinished(): void {
    this.#working -= 1;
    this.#listener.onFinished();
    this.#startWaiting();
  }

  /** I1. */
  #onResting(): void {
    this.#working -= 1;
    this.#startWaiting();
  }

  #onRested(goOn: () => void): void {
    this.#rested.push(goOn);
    this.#startWaiting();
  }

  /** Not within itself: what ends at once (abandoned work, by the thousand) goes on in the same loop. */
  #startWaiting(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    while (this.#working < this.#env.spec.intake.concurrency) {
      const goOn = this.#rested.shift();
      const work = goOn === undefined ? this.#waiting.shift() : undefined;
      if (goOn === undefined && work === undefined) break;
      this.#working += 1;
      goOn?.();
      work?.start();
    }
    this.#isStarting = false;
  }
}
