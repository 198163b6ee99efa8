/** `test [--all|--long] [-- vitest arguments]`: the checkout's own tests. */
import type { Command } from 'commander';
import type { TestFlags } from '../checkout/run-tests.ts';
import type { CliContext } from '../context.ts';

export function registerTest(program: Command, context: CliContext): void {
  program
    .command('test')
    .argument('[vitest...]', 'arguments for Vitest, after "--"')
    .description('run the tests of this checkout: the quick ones, or all that CI runs')
    .option('--all', 'lint, layer rules, types, and every test with few rounds: what CI runs')
    .option('--long', 'as --all, with the long form of every test (30 chaos rounds, exports, real servers)')
    .addHelpText(
      'after',
      '\nExamples:\n  $ ./firstfive test\n  $ ./firstfive test -- test/core/prior.test.ts -t quantile\n',
    )
    .action(async (vitest: string[], flags: TestFlags) => {
      const { runTests } = await import('../checkout/run-tests.ts');
      return runTests(context, vitest, flags);
    });
}
