/** `topology lint|describe FILE`: a topology file checked, and drawn. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { addRunOptions, configurationOf } from '../run-flags.ts';

export function registerTopology(program: Command, context: CliContext): void {
  const topology = program.command('topology').description('check and draw topology files');
  const lint = topology
    .command('lint')
    .argument('[file]', 'topology file (default: the one in use)')
    .description('say everything that is wrong with a topology file, with line numbers')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ ./firstfive topology lint topologies/cold-start.yaml\n');
  addRunOptions(lint, ['topology']).action(async (file: string | undefined, options: Flags) => {
    const { options: resolved, topology: value } = await configurationOf(context, withFile(options, file));
    const { name, stages, topics } = value;
    if (options.json) return writeJson(context.stdout, { file: resolved.topologyFile, name, ok: true });
    return writeLine(
      context.stdout,
      `${name}: ok (${counted(stages.length, 'stage')}, ${counted(topics.length, 'topic')})`,
    );
  });
  const describe = topology
    .command('describe')
    .argument('[file]', 'topology file (default: the one in use)')
    .description('draw the stages and topics, with every setting that is in force')
    .option('--json', 'the topology as one JSON object')
    .addHelpText('after', '\nExample:\n  $ ./firstfive topology describe topologies/cold-start.yaml\n');
  addRunOptions(describe, ['topology']).action(async (file: string | undefined, options: Flags) => {
    const { topology: value } = await configurationOf(context, withFile(options, file));
    if (options.json) return writeJson(context.stdout, value);
    const { drawTopology } = await import('../output/topology-drawing.ts');
    return writeLine(context.stdout, drawTopology(value).join('\n'));
  });
}

type Flags = Readonly<Record<string, unknown>> & { readonly json?: boolean };

/** The argument takes the place of `--topology`. */
function withFile(options: Flags, file: string | undefined): Flags {
  return file === undefined ? options : { ...options, topology: file };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
