/** A backfill of the echo stage over the memory log, and a plan for it. */
import type { BackfillPlan } from '../../../src/core/backfill-plan.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { BackfillRun, type BackfillRunOptions } from '../../../src/runtime/backfill/backfill-run.ts';
import { ControlTopic } from '../../../src/runtime/backfill/control-topic.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { HandlerResult, RecordHandler } from '../../../src/runtime/handler.ts';
import { memoryTable } from '../../../src/runtime/latest-table.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { echoHandler, INPUT, OUTPUT, stageSpec } from '../fixtures.ts';

export const RUN_OUTPUT = `${OUTPUT}.backfill.r1`;
export const RUN_LETTERS = 'dead-letters.backfill.r1';

/** The echo stage, writing the run's topic. */
export function runHandler(work?: Parameters<typeof echoHandler>[0]): RecordHandler {
  const handler = echoHandler(work);
  const moved = (result: HandlerResult): HandlerResult => ({
    ...result,
    outputs: result.outputs.map((output) => ({ ...output, topic: RUN_OUTPUT })),
  });
  return {
    handle: async (record, context) =>
      record.value === null ? { outputs: [] } : moved(await handler.handle(record, context)),
    rejected: (...args) => {
      const result = handler.rejected(...args);
      return result && moved(result);
    },
  };
}

/** Everything that the input holds now, changed as given. */
export async function planOf(log: Log, changes: Partial<BackfillPlan> = {}): Promise<BackfillPlan> {
  const [input] = await log.admin.describeTopics([INPUT]);
  return {
    schemaVersion: 1,
    run: 'r1',
    createdAt: 1,
    topology: 'test',
    stage: 'test',
    steps: ['score'],
    groupId: 'group',
    input: INPUT,
    liveOutputs: { score: OUTPUT },
    outputs: { score: RUN_OUTPUT },
    deadLetters: RUN_LETTERS,
    from: 'beginning',
    to: 'now',
    filter: {},
    partitions: (input?.offsets ?? []).map(({ start, end }, partition) => ({
      partition,
      start,
      end,
      selected: Number(end - start),
    })),
    counted: { records: 0, bytes: 0, tombstones: 0, selected: 0, selectedBytes: 0 },
    estimate: { basis: 'unknown', detail: '', recordsPerSecond: null, seconds: null, workSeconds: null },
    ...changes,
  };
}

export async function newRun(
  log: Log,
  clock: Clock,
  plan: BackfillPlan,
  options: Partial<BackfillRunOptions> = {},
): Promise<{ run: BackfillRun; control: ControlTopic }> {
  const [input] = await log.admin.describeTopics([INPUT]);
  const topic = (name: string) => ({
    name,
    partitions: input?.partitions ?? 1,
    cleanup: 'delete' as const,
    retentionMs: null,
  });
  const control = new ControlTopic(log, '');
  await control.ensure();
  await log.admin.ensureTopics([topic(RUN_OUTPUT), topic(RUN_LETTERS)]);
  const before = (await control.read()).get(plan.run)?.progress.get('0');
  const run = new BackfillRun({
    log,
    plan,
    stage: stageSpec(),
    handler: runHandler(),
    table: memoryTable(),
    control,
    slot: '0',
    clock,
    random: seededRandom(1),
    process: { pid: 1, host: 'here' },
    before,
    ...options,
  });
  return { run, control };
}
