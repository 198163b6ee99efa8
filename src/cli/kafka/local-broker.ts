/** `kafka up` and `kafka down`. */
import { join, resolve } from 'node:path';
import { FirstFiveError } from '../../core/errors.ts';
import type { CliContext } from '../context.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { brokerPlaces, setUpKafka } from './set-up.ts';

export interface KafkaUpFlags {
  readonly brokers?: string;
  readonly keep?: boolean;
  readonly json?: boolean;
  readonly data?: string;
}

export async function startBroker(context: CliContext, flags: KafkaUpFlags): Promise<void> {
  const nodes = nodeCount(flags.brokers ?? '1');
  const { KafkaCluster, runningBrokers } = await import('../../adapters/kafka-setup/cluster.ts');
  const dataDir = brokerDataDir(context, flags.data);
  const running = await runningBrokers(dataDir);
  if (running !== undefined) {
    if (running.split(',').length !== nodes) {
      throw new FirstFiveError(
        'USAGE',
        `a broker runs already (${running}); stop it with \`kafka down\` first`,
      );
    }
    context.stderr.write('firstfive: it runs already; its data is kept\n');
    return printBrokers(context, running, flags.json);
  }
  await setUpKafka(context, { broker: true });
  const { brokerRuntime } = await import('../../adapters/kafka-setup/jars.ts');
  const runtime = await brokerRuntime(brokerPlaces(context));
  const cluster = await KafkaCluster.start({ runtime, dataDir, nodes, keep: flags.keep === true });
  return printBrokers(context, cluster.brokers, flags.json);
}

export async function stopBroker(
  context: CliContext,
  flags: Pick<KafkaUpFlags, 'data' | 'json'>,
): Promise<void> {
  const { stopRunning } = await import('../../adapters/kafka-setup/cluster.ts');
  const stopped = await stopRunning(brokerDataDir(context, flags.data));
  if (flags.json) return writeJson(context.stdout, { stopped });
  return writeLine(
    context.stdout,
    stopped === 0 ? 'nothing was running' : `stopped ${stopped} broker process(es)`,
  );
}

function printBrokers(context: CliContext, brokers: string, json: boolean | undefined): Promise<void> {
  if (json) return writeJson(context.stdout, { brokers });
  return writeLine(context.stdout, `ready: --log kafka://${brokers}`);
}

function brokerDataDir(context: CliContext, data: string | undefined): string {
  return join(resolve(context.cwd, data ?? context.env.FIRSTFIVE_DATA ?? '.firstfive'), 'kafka');
}

function nodeCount(text: string): 1 | 3 {
  if (text === '1') return 1;
  if (text === '3') return 3;
  throw new FirstFiveError('USAGE', '--brokers is 1 or 3');
}
