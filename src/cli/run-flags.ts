/** The options that every command has: their flags on commander, and from flags to a loaded configuration. */
import { type Command, Option } from 'commander';
import type { Configuration } from '../config/load.ts';
import { OPTION_TABLE, type OptionKey } from '../config/option-table.ts';
import type { CliContext } from './context.ts';

export type RunFlags = Readonly<Partial<Record<OptionKey | 'config', string>>>;

/** Adds the shared options; `except` leaves out one that the command uses for something else. */
export function addRunOptions(command: Command, except: readonly OptionKey[] = []): Command {
  for (const { key, flag, env, description } of OPTION_TABLE) {
    if (except.includes(key)) continue;
    command.addOption(new Option(flag, `${description} [${env}]`).helpGroup('Where things live:'));
  }
  return command.addOption(
    new Option(
      '--config <file>',
      'configuration file with any of these options [FIRSTFIVE_CONFIG]',
    ).helpGroup('Where things live:'),
  );
}

/** Resolves options and topology from a command's parsed options. */
export async function configurationOf(
  context: CliContext,
  options: Readonly<Record<string, unknown>>,
  except: readonly OptionKey[] = [],
): Promise<Configuration> {
  const { loadConfiguration } = await import('../config/load.ts');
  const { cwd, packageRoot, cores, env } = context;
  return loadConfiguration({ flags: runFlags(options, except), env, cwd, packageRoot, cores });
}

function runFlags(options: Readonly<Record<string, unknown>>, except: readonly OptionKey[]): RunFlags {
  const flags: Partial<Record<OptionKey | 'config', string>> = {};
  for (const key of [...OPTION_TABLE.map((option) => option.key), 'config' as const]) {
    const value = options[key];
    if (typeof value === 'string' && !except.some((left) => left === key)) flags[key] = value;
  }
  return flags;
}
