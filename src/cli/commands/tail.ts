/** `tail TOPIC`: the records of a topic as they arrive. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { addRunOptions } from '../run-flags.ts';
import type { TailFlags } from '../tail-topic.ts';

export function registerTail(program: Command, context: CliContext): void {
  const tail = program
    .command('tail')
    .argument('<topic>', 'topic name')
    .description('print the records of a topic, and go on until stopped')
    .option('--from <where>', 'beginning, end, an ISO 8601 time, or 15m for 15 minutes ago', 'end')
    .option('--max <n>', 'stop after so many records')
    .option('--no-follow', 'stop at the end that the topic has now')
    .option('--raw', 'key and value as base64, not decoded')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  $ ./firstfive tail ranking.cold-start.v1 --from beginning --json\n');
  addRunOptions(tail).action(async (topic: string, flags: TailFlags) => {
    const { tailTopic } = await import('../tail-topic.ts');
    return tailTopic(context, topic, flags);
  });
}
