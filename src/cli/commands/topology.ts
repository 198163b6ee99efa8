/** `topology lint|describe|test FILE`: a topology file checked, drawn, and driven through failures in memory. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { reportKafkaTopics } from '../openers.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { addRunOptions, configurationOf } from '../run-flags.ts';

export function registerTopology(program: Command, context: CliContext): void {
  const topology = program.command('topology').description('check, draw and try topology files');
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
    .description(
      'draw the stages and topics, with every setting that is in force; with a Kafka --log, how its topics differ',
    )
    .option('--json', 'the topology as one JSON object')
    .addHelpText('after', '\nExample:\n  $ ./firstfive topology describe topologies/cold-start.yaml\n');
  addRunOptions(describe, ['topology']).action(async (file: string | undefined, options: Flags) => {
    const { options: resolved, topology: value } = await configurationOf(context, withFile(options, file));
    // Only where it is asked for: a drawing needs no broker.
    const place = options.log === undefined ? undefined : resolved.log;
    const report =
      place?.kind === 'kafka' ? await reportKafkaTopics(place.brokers, value.topics, context.env) : undefined;
    if (options.json)
      return writeJson(context.stdout, report === undefined ? value : { ...value, cluster: report });
    const { drawReport, drawTopology } = await import('../output/topology-drawing.ts');
    const lines = [...drawTopology(value), ...(report === undefined ? [] : ['', ...drawReport(report)])];
    return writeLine(context.stdout, lines.join('\n'));
  });
  const test = topology
    .command('test')
    .argument('[file]', 'topology file (default: the one in use)')
    .description(
      'drive the topology in memory through crashes, rebalances and lost answers, and check that nothing is lost or doubled',
    )
    .option('--seed <n>', 'first seed; one seed is one interleaving (default 1)')
    .option('--runs <n>', 'seeds to try, one after the other (default 20)')
    .option('--json', 'one JSON object a run')
    .addHelpText('after', TEST_EXAMPLE);
  addRunOptions(test, ['topology']).action(async (file: string | undefined, options: Flags) => {
    const { topologyTestCommand } = await import('../topology-test.ts');
    return topologyTestCommand(context, withFile(options, file));
  });
}

const TEST_EXAMPLE = `
Example:
  $ ./firstfive topology test topologies/staged.yaml --runs 100
`;

type Flags = Readonly<Record<string, unknown>> & { readonly json?: boolean };

/** The argument takes the place of `--topology`. */
function withFile(options: Flags, file: string | undefined): Flags {
  return file === undefined ? options : { ...options, topology: file };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
