/** `backfill pause|resume|status`: word to a running backfill, and of it, through the log. */
import { countsOf, phaseOf } from '../../core/backfill-state.ts';
import { ControlTopic } from '../../runtime/backfill/control-topic.ts';
import type { CliContext } from '../context.ts';
import { openSerdes, withLog } from '../openers.ts';
import { writeJson, writeLine } from '../output/streams.ts';
import { configurationOf } from '../run-flags.ts';
import { checkLines, checkRun } from './report/check-run.ts';
import { knownRun } from './run-reference.ts';
import { runStatus, statusLines } from './run-status.ts';

export interface ControlFlags extends Readonly<Record<string, unknown>> {
  readonly check?: string;
  readonly json?: boolean;
}

/** Takes effect within about a second where the run is at work; a run that is not at work keeps the word. */
export async function setWanted(
  context: CliContext,
  run: string,
  state: 'run' | 'pause',
  flags: ControlFlags,
): Promise<void> {
  const { options } = await configurationOf(context, flags);
  await withLog(options.log, { context }, async (log) => {
    const control = new ControlTopic(log, options.topicPrefix);
    const known = knownRun(await control.read(), run);
    const now = context.now();
    await control.write(run, 'wanted', { state, at: now }, now);
    const phase = phaseOf(known, now);
    if (flags.json) return writeJson(context.stdout, { run, wanted: state, phase });
    const isAtWork = phase === 'running' || phase === 'paused';
    const left = countsOf(known).scored === 0 ? '' : ', what it has done is kept';
    const answer = isAtWork
      ? `run ${run} ${state === 'pause' ? 'pauses' : 'goes on'} within a second`
      : `run ${run} is ${phase}: no process works on it${left}`;
    return writeLine(context.stdout, answer);
  });
}

export async function showStatus(
  context: CliContext,
  run: string | undefined,
  flags: ControlFlags,
): Promise<void> {
  const { options } = await configurationOf(context, flags);
  await withLog(options.log, { context }, async (log) => {
    const states = await new ControlTopic(log, options.topicPrefix).read();
    if (run !== undefined && flags.check !== undefined) {
      const serdes = await openSerdes(options.registry, context.env);
      const check = await checkRun({ log, serdes }, states, {
        run,
        reference: flags.check,
        cwd: context.cwd,
      });
      if (!check.ok) context.setExitCode(1);
      if (flags.json) return writeJson(context.stdout, { run, ...check });
      return writeLine(context.stdout, checkLines(check).join('\n'));
    }
    const named = run === undefined ? [...states.keys()] : [run];
    for (const name of named) {
      const status = await runStatus(log, knownRun(states, name), context.now());
      if (flags.json) await writeJson(context.stdout, status);
      else await writeLine(context.stdout, statusLines(status).join('\n'));
    }
  });
}
