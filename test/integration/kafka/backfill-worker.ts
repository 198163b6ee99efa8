/**
 * A backfill of the echo stage on a real broker, in a process of its own:
 *
 *   node backfill-worker.ts '{"brokers":[…],"clientDir":"…","plan":"…","rate":100}'
 *
 * Prints how it ended. Its end is also the end of its standard input: no worker outlives the test.
 */
import { openKafkaLog } from '../../../src/adapters/log-kafka/kafka-log.ts';
import { parsePlan } from '../../../src/core/backfill-plan.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { newRun } from '../../runtime/backfill/fixtures.ts';

export interface BackfillWorkerSettings {
  readonly brokers: readonly string[];
  readonly clientDir: string;
  readonly plan: string;
  readonly rate?: number;
}

const { brokers, clientDir, plan, rate } = JSON.parse(process.argv[2] ?? '{}') as BackfillWorkerSettings;

process.stdin.resume();
process.stdin.on('end', () => process.exit(3));

const log = await openKafkaLog({ connection: { brokers, clientId: 'backfill' }, clientDir });
const { run } = await newRun(log, systemClock, parsePlan(plan), rate === undefined ? {} : { rate });
const end = await run.run(10_000);
process.stdout.write(`${end.end}${end.end === 'failed' ? ` ${end.error.code} ${end.error.message}` : ''}\n`);
await log.close();
process.exit(end.end === 'finished' ? 0 : 1);
