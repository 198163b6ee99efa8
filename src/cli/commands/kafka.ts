/** `kafka setup|up|down`: the native client, and a real local broker for development, without Docker. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import type { KafkaUpFlags } from '../kafka/local-broker.ts';

export function registerKafka(program: Command, context: CliContext): void {
  const kafka = program.command('kafka').description('build the Kafka client; run a local broker');
  kafka
    .command('setup')
    .description('build the native client and fetch the development broker, once (minutes)')
    .option('--client-only', 'leave the development broker out: no Java, no Maven')
    .addHelpText('after', '\nExample:\n  $ ./firstfive kafka setup\n')
    .action(async (flags: { readonly clientOnly?: boolean }) => {
      const { setUpKafka } = await import('../kafka/set-up.ts');
      await setUpKafka(context, { broker: flags.clientOnly !== true });
    });
  kafka
    .command('up')
    .description('start a local Apache Kafka on free ports, detached, and print its address when it is ready')
    .option('--brokers <n>', 'nodes: 1 or 3', '1')
    .option('--keep', 'go on with the data of the last run instead of starting empty')
    .option('--data <dir>', 'where the broker keeps its data and logs, in kafka/ (default .firstfive)')
    .option('--json', 'one JSON object: {"brokers":"HOST:PORT,…"}')
    .addHelpText('after', '\nExample:\n  $ ./firstfive kafka up --json\n')
    .action(async (flags: KafkaUpFlags) => {
      const { startBroker } = await import('../kafka/local-broker.ts');
      return startBroker(context, flags);
    });
  kafka
    .command('down')
    .description('stop what `kafka up` started; the data stays')
    .option('--data <dir>', 'the folder that `kafka up` was given')
    .option('--json', 'one JSON object: {"stopped":N}')
    .addHelpText('after', '\nExample:\n  $ ./firstfive kafka down\n')
    .action(async (flags: Pick<KafkaUpFlags, 'data' | 'json'>) => {
      const { stopBroker } = await import('../kafka/local-broker.ts');
      return stopBroker(context, flags);
    });
}
