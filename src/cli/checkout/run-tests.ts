/**
 * `test`: what CI runs, and the quick part of it.
 *
 * T1. Vitest runs last and keeps the terminal: its closing lines (`Tests  N passed`) are the end of the output.
 * T2. A check that fails does not stop the next one: one run names everything that is wrong.
 */
import type { CliContext } from '../context.ts';
import { type ChildCommand, requireCheckout, runChild } from './child-command.ts';

export interface TestFlags {
  readonly all?: boolean;
  readonly long?: boolean;
}

/** Read by tests that have a long form. */
const LONG_ENV = 'FIRSTFIVE_TEST_LONG';

/** Those of a native client that is built first, of a broker that is broken on purpose, and the like. */
const SLOW = '**/*.slow.test.ts';

export interface TestStep extends ChildCommand {
  readonly name: string;
}

const CHECKS: readonly TestStep[] = [
  { name: 'lint', args: ['node_modules/@biomejs/biome/bin/biome', 'check', '.'] },
  { name: 'layers', args: ['scripts/check-layers.ts'] },
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '--noEmit'] },
];

/** Steps in order; the last one is Vitest. */
export function testSteps(flags: TestFlags, vitest: readonly string[]): readonly TestStep[] {
  const everything = flags.all === true || flags.long === true;
  const only = everything ? [] : ['--exclude', SLOW];
  const run: TestStep = {
    name: 'tests',
    args: ['node_modules/vitest/vitest.mjs', 'run', ...only, ...vitest],
    ...(flags.long ? { env: { [LONG_ENV]: '1' } } : {}),
  };
  return everything ? [...CHECKS, run] : [run];
}

export async function runTests(
  context: CliContext,
  vitest: readonly string[],
  flags: TestFlags,
): Promise<void> {
  await requireCheckout(context, 'test');
  const failed: string[] = [];
  for (const step of testSteps(flags, vitest)) {
    if (context.stopSignal().aborted) break;
    if (step.name !== 'tests') context.stderr.write(`${step.name} …\n`);
    const { code } = await runChild(context, step);
    if (code !== 0) failed.push(step.name);
  }
  if (failed.length === 0) return;
  context.stderr.write(`firstfive: failed: ${failed.join(', ')}\n`);
  context.setExitCode(1);
}
