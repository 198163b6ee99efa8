/** `bench [NAME]`: the checkout's own benchmarks. */
import type { Command } from 'commander';
import type { BenchFlags } from '../checkout/run-benchmarks.ts';
import type { CliContext } from '../context.ts';

export function registerBench(program: Command, context: CliContext): void {
  program
    .command('bench')
    .argument('[name]', 'benchmark to run (default: all, one after the other)')
    .description('measure, and say on which machine and with which versions')
    .option('--list', 'the benchmarks there are, and what each measures')
    .option('--json', 'one JSON object for each benchmark')
    .option('--out <folder>', 'also write NAME.json into this folder')
    .addHelpText('after', '\nExample:\n  $ ./firstfive bench log-embedded --json\n')
    .action(async (name: string | undefined, flags: BenchFlags) => {
      const { runBenchmarks } = await import('../checkout/run-benchmarks.ts');
      return runBenchmarks(context, name, flags);
    });
}
