/**
 * The command line as a value: every command registered, nothing of the heavy parts loaded.
 *
 * G1. A command module holds its flags and help and imports what it runs only when it runs: `--help` stays fast.
 * G2. Wrong use is exit 2, bad configuration 78, everything else that fails 1; one line on stderr says what and why.
 */
import { Command, CommanderError } from 'commander';
import { FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import { registerBackfill } from './commands/backfill.ts';
import { registerBench } from './commands/bench.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDlq } from './commands/dlq.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerKafka } from './commands/kafka.ts';
import { registerModels } from './commands/models.ts';
import { registerScore } from './commands/score.ts';
import { registerSubmit } from './commands/submit.ts';
import { registerTail } from './commands/tail.ts';
import { registerTest } from './commands/test.ts';
import { registerTopology } from './commands/topology.ts';
import { registerUp } from './commands/up.ts';
import type { CliContext, ExitCode } from './context.ts';

export type RegisterCommand = (program: Command, context: CliContext) => void;

/** In the order of `--help`. */
const COMMANDS: readonly RegisterCommand[] = [
  registerDemo,
  registerScore,
  registerUp,
  registerSubmit,
  registerTail,
  registerTopology,
  registerModels,
  registerDlq,
  registerBackfill,
  registerKafka,
  registerDoctor,
  registerTest,
  registerBench,
];

/** Runs one command line (without `node` and the script) and returns its exit status. Never throws. */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let code: ExitCode = 0;
  const program = createProgram({
    ...context,
    setExitCode: (wanted) => {
      code = wanted;
    },
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    const error = toFirstFiveError(thrown);
    context.stderr.write(`firstfive: ${error.code} ${oneLine(error.message)}\n`);
    if (error.code === 'INTERNAL') writeStack(context, thrown);
    return exitCodeOf(error);
  }
}

export function createProgram(context: CliContext): Command {
  const program = new Command('firstfive')
    .description('Scores every new short-video upload before its first viewer.')
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError('(add --help for the options and an example)')
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'firstfive: USAGE ')),
      getOutHelpWidth: () => context.stdout.columns ?? 110,
      getErrHelpWidth: () => context.stderr.columns ?? 110,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', PROGRAM_EXAMPLES);
  for (const register of COMMANDS) register(program, context);
  return program;
}

export function exitCodeOf(error: FirstFiveError): ExitCode {
  if (error.kind === 'usage') return 2;
  return error.kind === 'config' ? 78 : 1;
}

const PROGRAM_EXAMPLES = `
Examples:
  $ ./firstfive demo                      score the sample clips and print the table
  $ ./firstfive score my-videos/ --json   one JSON object for each upload
  $ ./firstfive doctor                    check this machine
`;

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}

/** A defect of ours: the stack is what a report needs. */
function writeStack(context: CliContext, thrown: unknown): void {
  if (thrown instanceof Error && thrown.stack !== undefined) context.stderr.write(`${thrown.stack}\n`);
  if (thrown instanceof FirstFiveError && thrown.cause instanceof Error) {
    context.stderr.write(`caused by ${thrown.cause.stack}\n`);
  }
}
