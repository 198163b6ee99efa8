/** Reads the files that options may come from and resolves everything a run needs: its options and its topology. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type ErrorCode, FirstFiveError } from '../core/errors.ts';
import type { Topology } from '../runtime/topology.ts';
import { CONFIG_FILE_ENV, type OptionKey } from './option-table.ts';
import {
  environmentSource,
  type OptionSource,
  type PackageFolders,
  type RunOptions,
  resolveOptions,
} from './options.ts';
import { parseTopologyFile, topologyFrom } from './topology-file.ts';
import { optionsSchema } from './topology-schema.ts';
import { parseYaml } from './yaml-document.ts';

export interface ConfigurationInputs extends PackageFolders {
  /** Flags given, by option key. `config` is the path after `--config`. */
  readonly flags: Readonly<Partial<Record<OptionKey | 'config', string>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cores: number;
}

export interface Configuration {
  readonly options: RunOptions;
  readonly topology: Topology;
}

/** Fails with `CONFIG_INVALID` or `TOPOLOGY_INVALID` before anything is opened. */
export async function loadConfiguration(inputs: ConfigurationInputs): Promise<Configuration> {
  const { config, ...flags } = inputs.flags;
  const given: OptionSource[] = [
    { origin: 'flag', baseDir: inputs.cwd, values: flags },
    environmentSource(inputs.env, inputs.cwd),
  ];
  const file = config ?? (inputs.env[CONFIG_FILE_ENV] || undefined);
  if (file !== undefined) given.push(await fileSource(resolve(inputs.cwd, file)));
  // The topology's path must be known before the options that its file may set.
  const { topologyFile } = resolveOptions(given, inputs);
  const source = { file: topologyFile, text: await readText(topologyFile, 'TOPOLOGY_INVALID') };
  const parsed = parseTopologyFile(source);
  const options = resolveOptions(
    [...given, { origin: 'topology file', baseDir: dirname(topologyFile), values: defined(parsed.options) }],
    inputs,
  );
  const topology = topologyFrom(parsed, {
    cores: inputs.cores,
    topicPrefix: options.topicPrefix,
    ...(options.bundle === undefined ? {} : { bundle: options.bundle }),
  });
  return { options, topology };
}

async function fileSource(path: string): Promise<OptionSource> {
  const text = await readText(path, 'CONFIG_INVALID');
  const values = parseYaml({ file: path, text }, optionsSchema, 'CONFIG_INVALID');
  return { origin: 'configuration file', baseDir: dirname(path), values: defined(values) };
}

/** A file of configuration as text; at most 1 MiB, so that a wrong path cannot fill the memory. */
export async function readText(path: string, code: ErrorCode): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.byteLength > 1_048_576) throw new FirstFiveError(code, `${path} is larger than 1 MiB`);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof FirstFiveError) throw error;
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new FirstFiveError(code, `cannot read ${path} (${reason})`, { cause: error });
  }
}

type Given = Readonly<Partial<Record<OptionKey, string | readonly string[] | undefined>>>;

function defined(values: Given): OptionSource['values'] {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
