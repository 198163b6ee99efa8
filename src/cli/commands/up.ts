/** `up`: runs a topology until it is stopped. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { addRunOptions } from '../run-flags.ts';
import type { UpFlags } from '../up-command.ts';

export function registerUp(program: Command, context: CliContext): void {
  const up = program
    .command('up')
    .option(
      '--stage <names>',
      'run these stages of the topology only, comma-separated; other processes run the rest',
    )
    .description('run the topology until stopped: reads upload events, emits cold-start scores')
    .addHelpText(
      'after',
      `
SIGTERM or Ctrl-C stops intake, drains for --drain seconds, commits and exits 0. Upload events with file: URIs are read
under --media-roots only.

Examples:
  $ ./firstfive up --media-roots /srv/videos
  $ ./firstfive submit /srv/videos/today        (from another terminal)
  $ ./firstfive tail ranking.cold-start.v1
`,
    );
  addRunOptions(up).action(async (flags: UpFlags) => {
    const { upCommand } = await import('../up-command.ts');
    return upCommand(context, flags);
  });
}
