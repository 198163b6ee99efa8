/** `doctor`: checks this machine and this configuration. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { addRunOptions } from '../run-flags.ts';

export function registerDoctor(program: Command, context: CliContext): void {
  const doctor = program
    .command('doctor')
    .description('check node, decoder, execution providers, bundle, log, store, schemas and disk')
    .option('--json', 'one JSON object for each check')
    .addHelpText('after', '\nExample:\n  $ ./firstfive doctor\n');
  addRunOptions(doctor).action(async (flags: Readonly<Record<string, unknown>>) => {
    const { doctorCommand } = await import('../doctor/doctor-command.ts');
    return doctorCommand(context, flags);
  });
}
