/** A small stage over the memory log: what the runtime tests share. */

import { seededRandom } from '../../src/core/random.ts';
import type { OutputRecord, StreamRecord } from '../../src/core/record.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { HandlerContext, HandlerResult, RecordHandler } from '../../src/runtime/handler.ts';
import type { LatestTable } from '../../src/runtime/latest-table.ts';
import type { Log } from '../../src/runtime/log.ts';
import { REVISION_HEADER, TIER_HEADER } from '../../src/runtime/record-headers.ts';
import { StageRunner } from '../../src/runtime/stage-runner.ts';
import { StageTelemetry } from '../../src/runtime/telemetry.ts';
import type { StageSpec } from '../../src/runtime/topology.ts';
import { MemoryLog } from '../../src/testing/memory-log.ts';

export const INPUT = 'uploads';
export const OUTPUT = 'scores';
export const LETTERS = 'dead-letters';

export function stageSpec(changes: Partial<StageSpec> = {}): StageSpec {
  return {
    name: 'test',
    steps: ['score'],
    groupId: 'group',
    input: INPUT,
    outputs: { score: OUTPUT },
    deadLetters: LETTERS,
    intake: { concurrency: 4, maxInFlight: 16, maxInFlightBytes: 1_000_000 },
    commit: { intervalMs: 100, maxRecords: 8 },
    retry: { maxAttempts: 3, initialBackoffMs: 100, maxBackoffMs: 1_000 },
    watchdog: { attemptDeadlineMs: 5_000, commitDeadlineMs: 30_000 },
    ...changes,
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (value: Uint8Array | null) => new TextDecoder().decode(value ?? undefined);

export function upload(id: string, revision = 0): OutputRecord {
  return {
    topic: INPUT,
    timestamp: 1,
    key: bytes(id),
    value: bytes(JSON.stringify({ id, revision })),
    headers: [],
  };
}

/** Emits one output per record, guarded by (id, revision). `work` decides how long it takes and whether it fails. */
export function echoHandler(
  work: (id: string, context: HandlerContext) => Promise<void> = async () => {},
): RecordHandler {
  const emit = (record: StreamRecord, tier: number): HandlerResult => {
    const { id, revision } = JSON.parse(text(record.value)) as { id: string; revision: number };
    const headers: [string, Uint8Array][] = [
      [REVISION_HEADER, bytes(String(revision))],
      [TIER_HEADER, bytes(String(tier))],
    ];
    const output = {
      topic: OUTPUT,
      timestamp: 2,
      key: record.key,
      value: bytes(`${id}@${revision}/${tier}`),
      headers,
    };
    return { outputs: [output], order: { id, revision, tier } };
  };
  return {
    handle: async (record, context) => {
      context.step('score');
      await work(text(record.key), context);
      return emit(record, 1);
    },
    rejected: (record) => emit(record, 0),
  };
}

export async function newLog(clock: Clock, partitions = 3): Promise<MemoryLog> {
  const log = new MemoryLog(clock);
  const topic = (name: string) => ({ name, partitions, cleanup: 'delete' as const, retentionMs: null });
  await log.admin.ensureTopics([topic(INPUT), topic(OUTPUT), topic(LETTERS)]);
  return log;
}

export function runnerOn(
  log: Log,
  clock: Clock,
  options: { handler?: RecordHandler; spec?: Partial<StageSpec>; table?: LatestTable } = {},
): StageRunner {
  const spec = stageSpec(options.spec);
  return new StageRunner({
    spec,
    lane: 'live',
    slot: '0',
    log,
    handler: options.handler ?? echoHandler(),
    ...(options.table === undefined ? {} : { guard: { topic: OUTPUT, table: options.table } }),
    clock,
    random: seededRandom(1),
    telemetry: new StageTelemetry(spec.name, spec.groupId),
  });
}

export function emitted(log: MemoryLog, topic = OUTPUT): string[] {
  return log.records(topic).flatMap((records) => records.map((record) => text(record.value)));
}
