/** `backfill plan|run|pause|resume|status|diff|publish`, with the alias `replay`: history again, beside live traffic. */
import type { Command } from 'commander';
import type { ControlFlags } from '../backfill/control-commands.ts';
import type { DiffFlags } from '../backfill/diff-command.ts';
import type { PlanFlags } from '../backfill/plan/plan-command.ts';
import type { PublishFlags } from '../backfill/publish-command.ts';
import type { RunFlags } from '../backfill/run/run-command.ts';
import type { CliContext } from '../context.ts';
import { addRunOptions } from '../run-flags.ts';

export function registerBackfill(program: Command, context: CliContext): void {
  const backfill = program
    .command('backfill')
    .alias('replay')
    .description('score a range of history again, into topics of its own; compare; publish');
  registerPlan(backfill, context);
  registerRun(backfill, context);
  registerControl(backfill, context);
  registerDiff(backfill, context);
  registerPublish(backfill, context);
}

function registerPlan(backfill: Command, context: CliContext): void {
  const plan = backfill
    .command('plan')
    .description('capture a range, count it, estimate it; nothing is run')
    .requiredOption(
      '--from <where>',
      'beginning, a time (ISO 8601, or 7d for 7 days ago), or offsets (0:1500,3:20)',
    )
    .option('--to <where>', 'now, a time, or offsets', 'now')
    .option('--key <uploadId...>', 'only these uploads')
    .option('--creator <id...>', 'only uploads of these creators')
    .option('--attribute <name=value...>', 'only uploads with all of these attributes')
    .option('--score-below <ecr>', 'only uploads whose live score is below')
    .option(
      '--bundle-not <bundle>',
      'only uploads without a live score of this bundle (NAME or NAME@VERSION)',
    )
    .option('--run <name>', 'name of the run (default: the time)')
    .option('--out <file>', 'write the plan to a file, and nothing to the log')
    .option('--json', 'the plan as one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  $ ./firstfive backfill plan --topology backfill --from 7d --bundle-not starter@1.0.0 --run starter-again\n',
    );
  addRunOptions(plan).action(async (flags: PlanFlags) => {
    const { planBackfill } = await import('../backfill/plan/plan-command.ts');
    return planBackfill(context, flags);
  });
}

function registerRun(backfill: Command, context: CliContext): void {
  const run = backfill
    .command('run')
    .argument('<plan>', 'a run that was planned, or the file of a plan')
    .description('work on a plan to its end; a run that was stopped or killed goes on')
    .option('--rate <n/s>', 'at most so many records a second')
    .option('--json', 'the receipt as one JSON object')
    .addHelpText(
      'after',
      `
Reads with a consumer group of its own at the lowest priority of the operating system, and writes topics of its own:
live traffic goes first. Exit 1 when it was stopped before its end.

Example:
  $ ./firstfive backfill run starter-again --topology backfill --rate 50/s --media-roots /srv/videos
`,
    );
  addRunOptions(run).action(async (reference: string, flags: RunFlags) => {
    const { runBackfill } = await import('../backfill/run/run-command.ts');
    return runBackfill(context, reference, flags);
  });
}

function registerControl(backfill: Command, context: CliContext): void {
  for (const [name, state, what] of [
    ['pause', 'pause', 'stop intake of a running backfill; it keeps its place'],
    ['resume', 'run', 'let a paused backfill go on'],
  ] as const) {
    const command = backfill
      .command(name)
      .argument('<run>', 'name of the run')
      .description(what)
      .option('--json', 'one JSON object')
      .addHelpText('after', `\nExample:\n  $ ./firstfive backfill ${name} starter-again\n`);
    addRunOptions(command).action(async (run: string, flags: ControlFlags) => {
      const { setWanted } = await import('../backfill/control-commands.ts');
      return setWanted(context, run, state, flags);
    });
  }
  const status = backfill
    .command('status')
    .argument('[run]', 'name of the run (default: all)')
    .description('how runs stand; with --check, whether a finished one agrees with another')
    .option(
      '--check <reference>',
      'a finished run of this log, or a receipt file: names the first stage that differs',
    )
    .option('--json', 'one JSON object a run')
    .addHelpText(
      'after',
      '\nExamples:\n  $ ./firstfive backfill status\n  $ ./firstfive backfill status second --check first\n',
    );
  addRunOptions(status).action(async (run: string | undefined, flags: ControlFlags) => {
    const { showStatus } = await import('../backfill/control-commands.ts');
    return showStatus(context, run, flags);
  });
}

function registerDiff(backfill: Command, context: CliContext): void {
  const diff = backfill
    .command('diff')
    .argument('<run>', 'name of the run')
    .description("compare a run's scores with the live ones: what would change, by how much")
    .option('--movers <n>', 'how many of the largest changes are listed', '10')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ ./firstfive backfill diff starter-again --movers 20\n');
  addRunOptions(diff).action(async (run: string, flags: DiffFlags) => {
    const { diffBackfill } = await import('../backfill/diff-command.ts');
    return diffBackfill(context, run, flags);
  });
}

function registerPublish(backfill: Command, context: CliContext): void {
  const publish = backfill
    .command('publish')
    .argument('<run>', 'name of a finished run')
    .description('hand its scores to the live group, which drops what is older than what it has emitted')
    .option('--dry-run', 'say what would become of the rows, and send nothing')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  $ ./firstfive backfill publish starter-again --topology backfill --dry-run\n',
    );
  addRunOptions(publish).action(async (run: string, flags: PublishFlags) => {
    const { publishBackfill } = await import('../backfill/publish-command.ts');
    return publishBackfill(context, run, flags);
  });
}
