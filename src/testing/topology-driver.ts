/**
 * Runs a topology in memory, with a virtual clock and as many workers as wanted: the real runtime on the memory log.
 *
 * T1. One seed, one run: the order of all steps, the delays and the faults follow from it.
 * T2. Nothing moves but inside `advance` and `settle`; virtual time costs no real time.
 * T3. A worker that crashes or fails is started again with its slot, as a supervisor would do it; its tables survive on
 *     its disk, most of the time.
 */
import { type DeadLetter, parseDeadLetter } from '../core/dead-letter.ts';
import { FirstFiveError } from '../core/errors.ts';
import { seededRandom } from '../core/random.ts';
import { partitionKey, type StreamRecord } from '../core/record.ts';
import type { Clock } from '../runtime/clock.ts';
import { type HealthReport, healthReport } from '../runtime/health.ts';
import type { PartitionOffset } from '../runtime/log.ts';
import { stageHealth } from '../runtime/stage-health.ts';
import { requireRunnable, type StageSpec, type Topology } from '../runtime/topology.ts';
import { deliveryProblems } from './delivery-check.ts';
import type { DriverOptions, PipedRecord } from './driver-options.ts';
import { WorkerFleet } from './worker-fleet.ts';

const LONGEST_SETTLE_MS = 24 * 3_600_000;

export class TopologyDriver {
  readonly topology: Topology;
  readonly seed: number;
  readonly #fleet: WorkerFleet;
  readonly #read = new Map<string, number[]>();

  /** Fails with `TOPOLOGY_INVALID`. Workers start at the first `advance` or `settle`. */
  constructor(options: DriverOptions) {
    requireRunnable(options.topology);
    this.topology = options.topology;
    this.seed = options.seed ?? 1;
    this.#fleet = new WorkerFleet(options, seededRandom(this.seed));
  }

  /** The virtual clock. */
  get clock(): Clock {
    return this.#fleet.clock;
  }

  /** What went wrong and when, in order: crashes, freezes, failed calls, restarts. For people. */
  get journal(): readonly string[] {
    return this.#fleet.journal;
  }

  /** Appends to a topic, in one atomic step. */
  pipe(topic: string, records: readonly PipedRecord[]): readonly PartitionOffset[] {
    const timestamp = this.clock.now();
    return this.#fleet.append(records.map((record) => ({ timestamp, headers: [], ...record, topic })));
  }

  /** Lets virtual time pass. */
  async advance(ms: number): Promise<void> {
    await this.#fleet.run(() => false, this.clock.now() + Math.ceil(ms));
  }

  /** Until every stage has committed all that it could read. Throws what is stuck after `limitMs` of virtual time. */
  async settle(limitMs = LONGEST_SETTLE_MS): Promise<void> {
    const isDone = () => this.topology.stages.every((stage) => this.lag(stage.name) === 0);
    if (await this.#fleet.run(isDone, this.clock.now() + limitMs)) return;
    const { reasons } = this.health();
    const behind = this.topology.stages.map(({ name }) => `${name} ${this.lag(name)}`).join(', ');
    throw new FirstFiveError(
      'INTERNAL',
      `seed ${this.seed}: not settled after ${limitMs} ms; lag: ${behind}; ${reasons.join('; ')}`,
    );
  }

  /** No faults from here on, apart from what is under way. */
  calm(): void {
    this.#fleet.calm();
  }

  /** Everything in a topic, partition after partition. */
  records(topic: string): readonly StreamRecord[] {
    return this.#fleet.log.records(topic).flat();
  }

  /** What came to a topic since the last call. */
  read(topic: string): readonly StreamRecord[] {
    const before = this.#read.get(topic) ?? [];
    const partitions = this.#fleet.log.records(topic);
    this.#read.set(
      topic,
      partitions.map((records) => records.length),
    );
    return partitions.flatMap((records, partition) => records.slice(before[partition] ?? 0));
  }

  deadLetters(): readonly DeadLetter[] {
    const topics = new Set(this.topology.stages.map((stage) => stage.deadLetters));
    return [...topics].flatMap((topic) =>
      this.records(topic).flatMap((record) => parseDeadLetter(record) ?? []),
    );
  }

  /** What a stage's group has committed, by partition. */
  committedOffsets(stage: string): Promise<readonly PartitionOffset[]> {
    return this.#fleet.log.admin.committedOffsets(this.#stage(stage).groupId);
  }

  /** Records that a stage has still to commit, in all topics that it reads. */
  lag(stage: string): number {
    const { groupId, input } = this.#stage(stage);
    return this.#fleet.lag(groupId, input);
  }

  /** As `/health` would say it, over all workers that live. */
  health(): HealthReport {
    const ends = new Map<string, bigint>();
    for (const { input } of this.topology.stages) {
      this.#fleet.log.records(input).forEach((records, partition) => {
        ends.set(partitionKey({ topic: input, partition }), BigInt(records.length));
      });
    }
    return healthReport(this.#fleet.runners().map((runner) => stageHealth(runner, ends)));
  }

  /** Slots of the workers: `"0"`, `"1"`, ... */
  get slots(): readonly string[] {
    return this.#fleet.slots;
  }

  /** The worker vanishes without a word, now. It is started again after a while, unless `stop` or `start` comes first. */
  crash(slot: string): void {
    this.#fleet.crash(slot);
  }

  /** The worker stands still (SIGSTOP) and goes on after `ms` of virtual time. */
  freeze(slot: string, ms: number): void {
    this.#fleet.freeze(slot, ms);
  }

  /** The worker drains for at most `drainMs` and leaves; it stays away until `start`. Lets time pass. */
  stop(slot: string, drainMs = 30_000): Promise<void> {
    return this.#fleet.stop(slot, drainMs);
  }

  /** Starts a worker with this slot, in place of one that lives. */
  start(slot: string): void {
    this.#fleet.start(slot);
  }

  /**
   * What was lost, doubled or put out of order, as sentences; empty when all is well. Call it after `settle`. It goes by the
   * headers that the runtime's records carry (`ff-source`, `ff-revision`, `ff-tier`): handlers write them with `outputHeaders`.
   */
  problems(): readonly string[] {
    return [...this.#fleet.failures, ...deliveryProblems(this, this.#fleet.answers)];
  }

  #stage(name: string): StageSpec {
    const stage = this.topology.stages.find((one) => one.name === name);
    if (stage === undefined) throw new FirstFiveError('TOPOLOGY_INVALID', `there is no stage ${name}`);
    return stage;
  }
}
