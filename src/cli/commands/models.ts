/** `models ls|verify|eval`: the bundles that are here, whether they compute what they should, and how good they are. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import type { EvalFlags } from '../models/evaluate-model.ts';
import { addRunOptions } from '../run-flags.ts';

type Flags = Readonly<Record<string, unknown>>;

export function registerModels(program: Command, context: CliContext): void {
  const models = program.command('models').description('list, verify and evaluate model bundles');
  addRunOptions(models.command('ls'))
    .description('the bundles of the model repository, with what is wrong with the broken ones')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  $ ./firstfive models ls\n')
    .action(async (flags: Flags) => {
      const { listModels } = await import('../models/list-models.ts');
      return listModels(context, flags);
    });
  addRunOptions(models.command('verify').argument('[name]', "NAME or NAME@VERSION (default: the topology's)"))
    .description('check hashes and signatures, and run the golden vectors on the execution provider in use')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ ./firstfive models verify starter\n')
    .action(async (name: string | undefined, flags: Flags) => {
      const { verifyModel } = await import('../models/verify-model.ts');
      return verifyModel(context, name, flags);
    });
  addRunOptions(models.command('eval').argument('<name>', 'NAME or NAME@VERSION'), ['data'])
    .description('how well a bundle orders labelled uploads, with bootstrap 95 % intervals')
    .requiredOption(
      '--data <csv>',
      'columns: label, and any of title, description, caption, uri, impressions, continues',
    )
    .option('--label-column <name>', 'ordinal label, higher is better', 'label')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ ./firstfive models eval starter --data labelled.csv --json\n')
    .action(async (name: string, flags: EvalFlags) => {
      const { evaluateModel } = await import('../models/evaluate-model.ts');
      return evaluateModel(context, name, flags);
    });
}
