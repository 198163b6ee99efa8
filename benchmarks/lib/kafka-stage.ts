/**
 * Pass-through on the whole runtime: `StageRunner` on the Kafka log, with a handler that hands the record on.
 *
 * What a topology file would say stands in `spec`; bounds and the size of a unit are wide enough for the commit interval to
 * decide. Ends when its standard input does.
 */
import { openKafkaLog } from '../../src/adapters/log-kafka/kafka-log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { RecordHandler } from '../../src/runtime/handler.ts';
import { StageRunner } from '../../src/runtime/stage-runner.ts';
import { StageTelemetry } from '../../src/runtime/telemetry.ts';
import type { StageSpec } from '../../src/runtime/topology.ts';
import { fromEnvironment } from './kafka-settings.ts';

/** More than passes here: the interval decides when to commit, and two units are what a stage holds at most. */
const UNIT_RECORDS_PER_MS = 150;

const settings = fromEnvironment(process.env);
const { input, output, intervalMs, delivery, clientDir } = settings;
const unitRecords = settings.unitRecords > 0 ? settings.unitRecords : intervalMs * UNIT_RECORDS_PER_MS;

const spec: StageSpec = {
  name: 'pass-through',
  steps: ['score'],
  groupId: settings.group,
  input,
  outputs: { score: output },
  deadLetters: output,
  intake: { concurrency: 256, maxInFlight: 2 * unitRecords, maxInFlightBytes: 256 * 1_048_576 },
  commit: { intervalMs, maxRecords: unitRecords },
  retry: { maxAttempts: 3, initialBackoffMs: 100, maxBackoffMs: 1_000 },
  watchdog: { attemptDeadlineMs: 30_000, commitDeadlineMs: 60_000 },
};

const handler: RecordHandler = {
  handle: async ({ key, value, timestamp, headers }) => ({
    outputs: [{ topic: output, key, value, timestamp, headers }],
  }),
  rejected: () => undefined,
};

const log = await openKafkaLog({
  connection: { brokers: settings.brokers.split(','), clientId: 'firstfive-bench' },
  clientDir,
  delivery,
});
const runner = new StageRunner({
  spec,
  lane: 'live',
  slot: '0',
  log,
  handler,
  clock: systemClock,
  random: Math.random,
  telemetry: new StageTelemetry(spec.name, spec.groupId),
});
await runner.start();
process.stdin.resume();
process.stdin.on('end', () => void runner.stop(10_000));
await runner.ended();
if (runner.failure !== undefined) throw runner.failure;
await log.close();
process.exit(0);
