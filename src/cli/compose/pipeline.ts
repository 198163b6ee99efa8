/**
 * A topology running on a log: one `StageRunner` per stage, started, observed and stopped together.
 *
 * P1. Topics are made before anything is joined.
 * P2. One stage that ends by itself ends the pipeline: a half that runs on would only grow the lag of the other.
 */
import { join } from 'node:path';
import type { FirstFiveError } from '../../core/errors.ts';
import { partitionKey } from '../../core/record.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { RecordHandler } from '../../runtime/handler.ts';
import { type HealthReport, healthReport } from '../../runtime/health.ts';
import { type LatestTable, memoryTable } from '../../runtime/latest-table.ts';
import type { Log, TopicSpec } from '../../runtime/log.ts';
import { inputTopics } from '../../runtime/side-inputs.ts';
import { stageHealth } from '../../runtime/stage-health.ts';
import { type SettledRecord, StageRunner } from '../../runtime/stage-runner.ts';
import { StageTelemetry } from '../../runtime/telemetry.ts';
import { guardedTopic, requireRunnable, type StageSpec, type Topology } from '../../runtime/topology.ts';

export interface PipelineOptions {
  readonly topology: Topology;
  readonly log: Log;
  readonly handlerOf: (stage: StageSpec) => RecordHandler;
  /** Replica slot; part of the identity that fences. */
  readonly slot: string;
  /** Folder for the tables of latest emissions, one of its own for each log; absent: in memory, for short runs. */
  readonly tablesDir?: string;
  readonly onSettled?: (stage: StageSpec, settled: SettledRecord) => void;
}

export interface Pipeline {
  health(): Promise<HealthReport>;
  /** Resolves when a stage ended by itself, with its failure, or after `stop`, without one. */
  ended(): Promise<FirstFiveError | undefined>;
  /** Drains for at most `drainMs`, commits, leaves the groups. Idempotent. */
  stop(drainMs: number): Promise<void>;
}

export async function startPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { topology, log } = options;
  requireRunnable(topology);
  await log.admin.ensureTopics(topology.topics);
  const tables: LatestTable[] = [];
  const runners: StageRunner[] = [];
  try {
    for (const spec of topology.stages) {
      const runner = await newRunner(spec, options, tables);
      runners.push(runner);
      await runner.start();
      observe(runner, log);
    }
  } catch (error) {
    await Promise.all(runners.map((runner) => runner.stop(0)));
    for (const table of tables) table.close();
    throw error;
  }
  const failure = Promise.withResolvers<FirstFiveError | undefined>();
  for (const runner of runners) void runner.ended().then(() => failure.resolve(runner.failure));
  let stopped: Promise<void> | undefined;
  return {
    health: async () => {
      const ends = await endOffsets(log, runners);
      return healthReport(runners.map((runner) => stageHealth(runner, ends)));
    },
    ended: () => failure.promise,
    stop: (drainMs) => {
      stopped ??= Promise.all(runners.map((runner) => runner.stop(drainMs))).then(() => {
        for (const table of tables) table.close();
      });
      return stopped;
    },
  };
}

async function newRunner(
  spec: StageSpec,
  options: PipelineOptions,
  tables: LatestTable[],
): Promise<StageRunner> {
  const { log, slot, handlerOf, onSettled } = options;
  const topic = guardedTopic(spec);
  const table = topic === undefined ? undefined : await openTable(spec, options);
  if (table !== undefined) tables.push(table);
  return new StageRunner({
    spec,
    lane: 'live',
    slot,
    log,
    handler: handlerOf(spec),
    ...(topic === undefined || table === undefined ? {} : { guard: { topic, table } }),
    clock: systemClock,
    random: Math.random,
    telemetry: new StageTelemetry(spec.name, spec.groupId),
    maxRecordBytes: limits(options.topology.topics),
    ...(onSettled === undefined ? {} : { onSettled: (settled) => onSettled(spec, settled) }),
  });
}

function limits(topics: readonly TopicSpec[]): ReadonlyMap<string, number> {
  return new Map(
    topics.flatMap(({ name, maxRecordBytes }) =>
      maxRecordBytes === undefined ? [] : [[name, maxRecordBytes]],
    ),
  );
}

async function openTable(spec: StageSpec, { tablesDir, slot }: PipelineOptions): Promise<LatestTable> {
  if (tablesDir === undefined) return memoryTable();
  const { openSqliteTable } = await import('../../adapters/table-sqlite/latest-table.ts');
  return openSqliteTable(join(tablesDir, `${spec.groupId}.${slot}.sqlite`));
}

/** Gauges read what the last health check or collection saw of the log's ends: collection itself must not wait. */
function observe(runner: StageRunner, log: Log): void {
  let ends: ReadonlyMap<string, bigint> = new Map();
  runner.options.telemetry.observe(() => {
    void endOffsets(log, [runner]).then(
      (fresh) => {
        ends = fresh;
      },
      () => {},
    );
    const health = stageHealth(runner, ends);
    return {
      inFlight: health.inFlight,
      bytes: health.inFlightBytes,
      frontierAgeMs: Math.max(0, ...health.partitions.map((at) => at.oldestUnfinished?.ageMs ?? 0)),
      waiting: health.waiting,
      lag: new Map(health.partitions.map((at) => [partitionKey(at), at.lag])),
    };
  });
}

async function endOffsets(log: Log, runners: readonly StageRunner[]): Promise<ReadonlyMap<string, bigint>> {
  const topics = [...new Set(runners.flatMap((runner) => inputTopics(runner.options.spec)))];
  const ends = new Map<string, bigint>();
  for (const { name, offsets } of await log.admin.describeTopics(topics)) {
    offsets.forEach(({ end }, partition) => {
      ends.set(partitionKey({ topic: name, partition }), end);
    });
  }
  return ends;
}
