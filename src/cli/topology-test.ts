/**
 * `topology test`: a topology's delivery under chaos, in memory and on a virtual clock. Synthetic handlers stand in for the
 * steps, so neither media nor a bundle is needed; runtime, policies and topics are the real ones.
 */
import { type ExerciseReport, exerciseTopology } from '../testing/index.ts';
import type { CliContext } from './context.ts';
import { parseCount } from './moments.ts';
import { writeJson, writeLine } from './output/streams.ts';
import { configurationOf } from './run-flags.ts';

const DEFAULT_RUNS = '20';
const DEFAULT_SEED = '1';

export async function topologyTestCommand(
  context: CliContext,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const first = parseCount('--seed', textOf(flags.seed, DEFAULT_SEED));
  const runs = parseCount('--runs', textOf(flags.runs, DEFAULT_RUNS));
  const { topology } = await configurationOf(context, flags);
  const stop = context.stopSignal();
  const reports: ExerciseReport[] = [];
  for (let seed = first; seed < first + runs && !stop.aborted; seed++) {
    const report = await exerciseTopology({ topology, seed });
    reports.push(report);
    if (flags.json) await writeJson(context.stdout, jsonOf(report));
    else if (report.problems.length > 0) await writeProblems(context, report);
  }
  if (!flags.json) await writeLine(context.stdout, summaryOf(topology.name, reports));
  if (reports.some(({ problems }) => problems.length > 0)) context.setExitCode(1);
}

async function writeProblems(context: CliContext, report: ExerciseReport): Promise<void> {
  await writeLine(context.stdout, `seed ${report.seed}: ${counted(report.problems.length, 'problem')}`);
  for (const problem of report.problems) await writeLine(context.stdout, `  ${problem}`);
  await writeLine(context.stdout, '  what happened before:');
  for (const incident of report.journal) await writeLine(context.stdout, `    ${incident}`);
}

function summaryOf(name: string, reports: readonly ExerciseReport[]): string {
  const total = (of: (report: ExerciseReport) => number) =>
    reports.reduce((sum, report) => sum + of(report), 0);
  const failed = reports.filter(({ problems }) => problems.length > 0).length;
  const work = [
    counted(reports.length, 'run'),
    counted(
      total(({ uploads }) => uploads),
      'upload',
    ),
    counted(
      total(({ incidents }) => incidents),
      'incident',
    ),
  ].join(', ');
  const verdict = failed === 0 ? 'nothing lost, doubled or out of order' : `${counted(failed, 'run')} failed`;
  return `${name}: ${verdict} (${work})`;
}

/** The journal tells what led to a problem; without one it is noise. */
function jsonOf({ journal, ...report }: ExerciseReport): object {
  return report.problems.length > 0 ? { ...report, journal } : report;
}

function textOf(flag: unknown, fallback: string): string {
  return typeof flag === 'string' ? flag : fallback;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
