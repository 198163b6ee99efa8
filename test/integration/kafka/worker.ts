/**
 * One worker of the chaos tests: the real stage runner on the real Kafka log, in a process of its own.
 *
 *   node worker.ts '{"brokers":[…],"slot":"a",…}'
 *
 * Prints `ready` once it has joined. SIGTERM: drains and exits 0. A failure: prints its code and exits 1. Its end is also
 * the end of its standard input: no worker outlives the test.
 */
import { openKafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts';
import { toFirstFiveError } from '../../../src/core/errors.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { RecordHandler } from '../../../src/runtime/handler.ts';
import { StageRunner } from '../../../src/runtime/stage-runner.ts';
import { StageTelemetry } from '../../../src/runtime/telemetry.ts';
import type { StageSpec } from '../../../src/runtime/topology.ts';
import type { WorkerSettings } from './fleet.ts';

const DRAIN_MS = 10_000;

const settings = JSON.parse(process.argv[2] ?? '{}') as WorkerSettings;
const random = seededRandom(settings.seed);

const spec: StageSpec = {
  name: 'chaos',
  steps: ['score'],
  groupId: settings.groupId,
  input: settings.input,
  outputs: { score: settings.output },
  deadLetters: settings.deadLetters,
  intake: { concurrency: 16, maxInFlight: 500, maxInFlightBytes: 4_000_000 },
  commit: { intervalMs: 50, maxRecords: 100 },
  retry: { maxAttempts: 3, initialBackoffMs: 10, maxBackoffMs: 100 },
  watchdog: { attemptDeadlineMs: 30_000, commitDeadlineMs: 30_000 },
};

/** Echoes the record after a short and irregular time, so that work finishes out of order. */
const handler: RecordHandler = {
  handle: async (record) => {
    await new Promise((resolve) => setTimeout(resolve, random() * 8));
    return { outputs: [{ ...record, topic: settings.output, timestamp: record.timestamp, headers: [] }] };
  },
  rejected: () => undefined,
};

process.stdin.resume();
process.stdin.on('end', () => process.exit(3));

function failed(why: unknown): never {
  process.stdout.write(`failed ${String(why)}\n`);
  process.exit(1);
}

const log = await openKafkaLog({
  connection: { brokers: settings.brokers, clientId: `chaos-${settings.slot}` },
  clientDir: settings.clientDir,
  ...settings.log,
}).catch((thrown) => failed(`${toFirstFiveError(thrown).code} ${String(thrown)}`));
const runner = new StageRunner({
  spec,
  lane: 'live',
  slot: settings.slot,
  log,
  handler,
  clock: systemClock,
  random,
  telemetry: new StageTelemetry(spec.name, spec.groupId),
});
// What it says on its way out tells where it stands when it hangs.
process.on('SIGTERM', async () => {
  process.stdout.write(`stopping ${runner.state}\n`);
  await runner.stop(DRAIN_MS);
  process.stdout.write('left\n');
  await log.close();
  process.exit(0);
});
try {
  await runner.start();
  process.stdout.write('ready\n');
  await runner.ended();
} catch (thrown) {
  const { code, message } = toFirstFiveError(thrown);
  failed(`${code} ${message}`);
}
if (runner.failure !== undefined) failed(`${runner.failure.code} ${runner.failure.message}`);
