/** `dlq ls|show|redrive`: what could not be scored, why, and sending it through again. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import type { DeadLetterCommand } from '../dead-letters/dead-letter-commands.ts';
import { addRunOptions } from '../run-flags.ts';

export function registerDlq(program: Command, context: CliContext): void {
  const dlq = program.command('dlq').description('list, show and redrive dead letters');
  filtered(dlq.command('ls'))
    .description('one line for each dead letter: id, time, code, stage, upload, attempts')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  $ ./firstfive dlq ls --code MEDIA_NOT_FOUND --since 2h\n')
    .action(async (flags: DeadLetterCommand) => {
      const { listDeadLetters } = await import('../dead-letters/dead-letter-commands.ts');
      return listDeadLetters(context, flags);
    });
  addRunOptions(dlq.command('show').argument('<id>', 'PARTITION/OFFSET, as `dlq ls` prints it'))
    .description('everything known of one dead letter, its record decoded')
    .option('--topic <name>', "dead-letter topic (default: the topology's)")
    .option('--json', 'one JSON object, with the original key and value as base64')
    .addHelpText('after', '\nExample:\n  $ ./firstfive dlq show 3/17\n')
    .action(async (id: string, flags: DeadLetterCommand) => {
      const { showDeadLetter } = await import('../dead-letters/dead-letter-commands.ts');
      return showDeadLetter(context, id, flags);
    });
  filtered(
    dlq
      .command('redrive')
      .argument('[ids...]', 'PARTITION/OFFSET of those to send (default: all that match)'),
  )
    .description('send the original records to their original topics again, each dead letter once')
    .option('--dry-run', 'say what would be sent, and send nothing')
    .option('--again', 'also those that were redriven before')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  $ ./firstfive dlq redrive --code DECODE_TIMEOUT --dry-run\n')
    .action(async (ids: string[], flags: DeadLetterCommand) => {
      const { redriveDeadLetters } = await import('../dead-letters/dead-letter-commands.ts');
      return redriveDeadLetters(context, ids, flags);
    });
}

function filtered(command: Command): Command {
  return addRunOptions(command)
    .option('--code <code>', 'with this error code')
    .option('--stage <stage>', 'that failed in this stage or step')
    .option('--since <time>', 'that failed at or after: ISO 8601, or 15m for 15 minutes ago')
    .option('--until <time>', 'that failed before: ISO 8601, or 15m for 15 minutes ago')
    .option('--upload <id>', 'of this upload (the key of its record)')
    .option('--origin <topic>', 'whose record came from this topic')
    .option('--max <n>', 'at most so many')
    .option('--limit <n>', 'the same as --max')
    .option('--topic <name>', "dead-letter topic (default: the topology's)");
}
