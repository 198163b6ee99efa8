/** `demo`: the sample clips end to end on the embedded default. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { addRunOptions } from '../run-flags.ts';

export function registerDemo(program: Command, context: CliContext): void {
  const demo = program
    .command('demo')
    .description('score the sample clips end to end on this machine, print the table, exit')
    .option('--json', 'one JSON object a line instead of the table')
    .addHelpText('after', '\nExample:\n  $ ./firstfive demo\n');
  addRunOptions(demo).action(async (flags: Readonly<Record<string, unknown>>) => {
    const { demoCommand } = await import('../score-run/score-command.ts');
    return demoCommand(context, flags);
  });
}
