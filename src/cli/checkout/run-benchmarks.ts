/**
 * `bench`: each benchmark in a process of its own, so that none measures what another left behind.
 *
 * The processes run `benchmarks/report.ts`, which adds machine and versions; this side chooses, prints and writes.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FirstFiveError } from '../../core/errors.ts';
import type { CliContext } from '../context.ts';
import { writeLine } from '../output/streams.ts';
import { padEnd, padStart } from '../output/text-width.ts';
import { requireCheckout, runChild } from './child-command.ts';

export interface BenchFlags {
  readonly json?: boolean;
  readonly list?: boolean;
  readonly out?: string;
}

const REPORT = 'report.ts';

interface BenchReport {
  readonly name: string;
  readonly machine: { readonly cpu: string; readonly cores: number };
  readonly versions: Readonly<Record<string, string>>;
  readonly results: readonly {
    readonly case: string;
    readonly value: number;
    readonly unit: string;
    readonly samples: number;
    readonly min: number;
    readonly max: number;
  }[];
}

export async function runBenchmarks(
  context: CliContext,
  name: string | undefined,
  flags: BenchFlags,
): Promise<void> {
  await requireCheckout(context, 'benchmarks');
  const all = await benchmarkNames(context);
  if (flags.list) {
    await runChild(context, { args: [join('benchmarks', REPORT), '--list', ...all] });
    return;
  }
  if (name !== undefined && !all.includes(name)) {
    throw new FirstFiveError('USAGE', `there is no benchmark ${name}; there is: ${all.join(', ') || 'none'}`);
  }
  for (const one of name === undefined ? all : [name]) {
    if (context.stopSignal().aborted) return;
    await runBenchmark(context, one, flags);
  }
}

/** Files directly in `benchmarks/`; folders hold plumbing and peers. */
async function benchmarkNames(context: CliContext): Promise<readonly string[]> {
  const entries = await readdir(join(context.packageRoot, 'benchmarks'), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== REPORT)
    .map((entry) => entry.name.slice(0, -'.ts'.length))
    .sort();
}

async function runBenchmark(context: CliContext, name: string, flags: BenchFlags): Promise<void> {
  const { code, stdout } = await runChild(context, {
    // With the flags that this process was started with: those of the wrapper are part of what is measured.
    args: [...process.execArgv, join('benchmarks', REPORT), name],
    stdout: 'collect',
  });
  if (code !== 0) {
    context.stderr.write(`firstfive: benchmark ${name} failed\n`);
    context.setExitCode(1);
    return;
  }
  const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as BenchReport;
  if (flags.out !== undefined) {
    const folder = resolve(context.cwd, flags.out);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
  }
  if (flags.json) await writeLine(context.stdout, JSON.stringify(report));
  else for (const line of reportText(report)) await writeLine(context.stdout, line);
}

export function reportText({ name, machine, versions, results }: BenchReport): readonly string[] {
  const width = Math.max(...results.map((result) => result.case.length), 4);
  return [
    `${name} on ${machine.cpu}, ${machine.cores} cores, node ${versions.node}`,
    ...results.map(
      ({ case: what, value, unit, samples, min, max }) =>
        `  ${padEnd(what, width)}  ${padStart(figure(value), 12)} ${padEnd(unit, 10)}  ` +
        `${figure(min)} to ${figure(max)} in ${samples} sample${samples === 1 ? '' : 's'}`,
    ),
  ];
}

/** Four digits are more than any of these measurements carries. */
function figure(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1_000
    ? Math.round(value).toLocaleString('en-US')
    : String(Number(value.toPrecision(4)));
}
