/**
 * The options of a run, resolved once and frozen.
 *
 * O1. Order: flag, environment, configuration file, topology file, default. An empty environment variable is unset.
 * O2. Every value given anywhere is parsed, even one that a stronger source hides: a typo fails at the start.
 * O3. Nothing here reads the process: flags, environment, folders and core count are arguments.
 */
import { resolve } from 'node:path';
import { FirstFiveError } from '../core/errors.ts';
import { CONFIG_FILE_ENV, OPTION_TABLE, type OptionKey } from './option-table.ts';
import {
  type Address,
  type InferencePlace,
  type LogPlace,
  type ModelsPlace,
  parseAddress,
  parseHttpUrl,
  parseInferencePlace,
  parseLogPlace,
  parseModelsPlace,
  parseRegistryPlace,
  parseS3Places,
  parseStorePlace,
  quoted,
  type RegistryPlace,
  type S3Place,
  type StorePlace,
} from './places.ts';

export const PROVIDERS = ['cpu', 'cuda', 'tensorrt'] as const;
export type Provider = (typeof PROVIDERS)[number];

export const DECODERS = ['auto', 'libav', 'ffmpeg'] as const;
export type DecoderChoice = (typeof DECODERS)[number];

export const SANDBOX_CHOICES = ['auto', 'off'] as const;
export type SandboxChoice = (typeof SANDBOX_CHOICES)[number];

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type OptionOrigin = 'flag' | 'environment' | 'configuration file' | 'topology file' | 'default';

export interface RunOptions {
  readonly log: LogPlace;
  readonly store: StorePlace;
  readonly registry: RegistryPlace;
  readonly models: ModelsPlace;
  /** Absolute folder of what this machine keeps: the embedded log and store, and local tables. */
  readonly dataDir: string;
  /** Absolute path. */
  readonly topologyFile: string;
  /** `name` or `name@version`; absent: the topology's. */
  readonly bundle?: string;
  /** Of local inference. */
  readonly provider: Provider;
  readonly inference: InferencePlace;
  readonly decoder: DecoderChoice;
  readonly sandbox: SandboxChoice;
  /** Absolute folders. */
  readonly mediaRoots: readonly string[];
  /** Places of an S3 store that `s3:` uploads may be read from, beside its own. */
  readonly mediaPlaces: readonly S3Place[];
  readonly replica: number;
  readonly management: Address;
  readonly topicPrefix: string;
  readonly drainMs: number;
  /** Base URL; `/v1/traces` and `/v1/metrics` are appended. Absent: nothing is sent. */
  readonly otlp?: string;
  readonly logLevel: LogLevel;
  /** Which source decided each option. */
  readonly origins: Readonly<Record<OptionKey, OptionOrigin>>;
}

export interface OptionSource {
  readonly origin: OptionOrigin;
  /** Folder that relative paths are taken from. */
  readonly baseDir: string;
  readonly values: Readonly<Partial<Record<OptionKey, string | readonly string[]>>>;
}

/** Folder of the installed package: where built-in topologies, schemas and models lie. */
export interface PackageFolders {
  readonly packageRoot: string;
  readonly cwd: string;
}

/** `sources` in order of strength. Fails with `CONFIG_INVALID`, naming the source and the option. */
export function resolveOptions(sources: readonly OptionSource[], folders: PackageFolders): RunOptions {
  const origins: Record<string, OptionOrigin> = {};
  const pick = <T>(key: OptionKey, parse: (text: string, baseDir: string) => T, fallback: () => T): T => {
    let chosen: { value: T } | undefined;
    for (const source of sources) {
      const given = source.values[key];
      if (given === undefined) continue;
      const value = parseNamed(source, key, given, parse);
      if (chosen === undefined) origins[key] = source.origin;
      chosen ??= { value };
    }
    origins[key] ??= 'default';
    return chosen === undefined ? fallback() : chosen.value;
  };
  const dataDir = pick('data', parsePath, () => resolve(folders.cwd, '.firstfive'));
  const bundle = pick<string | undefined>('bundle', parseBundle, () => undefined);
  const otlp = pick<string | undefined>('otlp', parseHttpUrl, () => undefined);
  return Object.freeze({
    log: pick('log', parseLogPlace, () => ({ kind: 'sqlite', path: resolve(dataDir, 'log.db') })),
    store: pick('store', parseStorePlace, () => ({ kind: 'folder', path: resolve(dataDir, 'objects') })),
    registry: pick('registry', parseRegistryPlace, () => packaged(folders, 'schemas')),
    models: pick('models', parseModelsPlace, () => packaged(folders, 'models')),
    dataDir,
    topologyFile: pick('topology', topologyPath(folders), () =>
      topologyPath(folders)('cold-start', folders.cwd),
    ),
    ...(bundle === undefined ? {} : { bundle }),
    provider: pick('provider', oneOf(PROVIDERS), () => 'cpu'),
    inference: pick('inference', parseInferencePlace, () => ({ kind: 'local' })),
    decoder: pick('decoder', oneOf(DECODERS), () => 'auto'),
    sandbox: pick('sandbox', oneOf(SANDBOX_CHOICES), () => 'auto'),
    mediaRoots: pick('mediaRoots', parsePaths, () => []),
    mediaPlaces: pick('mediaPlaces', parseS3Places, () => []),
    replica: pick('replica', parseReplica, () => 0),
    management: pick(
      'management',
      (text) => parseAddress(text, 0),
      () => ({ host: '127.0.0.1', port: 0 }),
    ),
    topicPrefix: pick('topicPrefix', parsePrefix, () => ''),
    drainMs: pick('drain', parseSeconds, () => 30_000),
    ...(otlp === undefined ? {} : { otlp }),
    logLevel: pick('logLevel', oneOf(LOG_LEVELS), () => 'info'),
    origins: Object.freeze(origins),
  } satisfies RunOptions);
}

/** Environment variables as a source. A name one letter away from a known one is an error, other names are not ours. */
export function environmentSource(
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): OptionSource {
  const values: Partial<Record<OptionKey, string>> = {};
  for (const { key, env: name } of OPTION_TABLE) {
    const value = env[name];
    if (value !== undefined && value !== '') values[key] = value;
  }
  const { OTEL_EXPORTER_OTLP_ENDPOINT: otlp, OTEL_SDK_DISABLED: disabled } = env;
  if (otlp !== undefined && otlp !== '' && disabled !== 'true') values.otlp ??= otlp;
  refuseMisspelt(Object.keys(env));
  return { origin: 'environment', baseDir: cwd, values };
}

function refuseMisspelt(names: readonly string[]): void {
  const known = [...OPTION_TABLE.map((option) => option.env), CONFIG_FILE_ENV];
  for (const name of names) {
    if (!name.startsWith('FIRSTFIVE_') || known.includes(name)) continue;
    const meant = known.find((other) => isOneEditApart(name, other));
    if (meant !== undefined) throw invalid(`${name} is not an option; did you mean ${meant}?`);
  }
}

/** One letter added, left out, changed, or swapped with its neighbour. */
function isOneEditApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  const restA = a.slice(start);
  const restB = b.slice(start);
  if (restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1)) return true;
  return restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
}

function parseNamed<T>(
  source: OptionSource,
  key: OptionKey,
  given: string | readonly string[],
  parse: (text: string, baseDir: string) => T,
): T {
  try {
    const text = typeof given === 'string' ? given : given.join(separatorOf(key));
    return parse(text, source.baseDir);
  } catch (error) {
    if (error instanceof FirstFiveError) throw invalid(`${optionName(source.origin, key)}: ${error.message}`);
    throw error;
  }
}

/** A list is written as the same option's flag has it. */
function separatorOf(key: OptionKey): string {
  return OPTION_TABLE.find((option) => option.key === key)?.separator ?? ':';
}

function optionName(origin: OptionOrigin, key: OptionKey): string {
  const option = OPTION_TABLE.find((candidate) => candidate.key === key);
  if (option === undefined) return key;
  if (origin === 'flag') return option.flag.split(' ', 1)[0] ?? key;
  return origin === 'environment' ? option.env : `${key} (${origin})`;
}

function packaged(folders: PackageFolders, name: string): { kind: 'folder'; path: string } {
  return { kind: 'folder', path: resolve(folders.packageRoot, name) };
}

/** A bare word names a topology that ships with the package; everything else is a path. */
function topologyPath(folders: PackageFolders): (text: string, baseDir: string) => string {
  return (text, baseDir) =>
    /^[a-z0-9][a-z0-9-]*$/.test(text)
      ? resolve(folders.packageRoot, 'topologies', `${text}.yaml`)
      : parsePath(text, baseDir);
}

function parsePath(text: string, baseDir: string): string {
  if (text === '' || text.includes('\0')) throw invalid(`${quoted(text)} is no path`);
  return resolve(baseDir, text);
}

function parsePaths(text: string, baseDir: string): readonly string[] {
  return text
    .split(':')
    .filter((part) => part !== '')
    .map((part) => parsePath(part, baseDir));
}

function parseBundle(text: string): string {
  if (/^[a-z0-9][a-z0-9._-]*(@[A-Za-z0-9][A-Za-z0-9.+_-]*)?$/.test(text)) return text;
  throw invalid(`${quoted(text)} is no bundle; write NAME or NAME@VERSION`);
}

function parseReplica(text: string): number {
  const replica = Number(text);
  if (/^\d{1,6}$/.test(text)) return replica;
  throw invalid(`${quoted(text)} is no replica slot; write a whole number from 0`);
}

function parsePrefix(text: string): string {
  if (/^[A-Za-z0-9._-]{0,100}$/.test(text)) return text;
  throw invalid(`${quoted(text)} cannot start a topic name; use letters, digits, ".", "_" and "-"`);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds <= 86_400) return Math.round(seconds * 1_000);
  throw invalid(`${quoted(text)} is no number of seconds`);
}

function oneOf<const T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const chosen = choices.find((choice) => choice === text);
    if (chosen === undefined) throw invalid(`${quoted(text)} is none of ${choices.join(', ')}`);
    return chosen;
  };
}

function invalid(message: string): FirstFiveError {
  return new FirstFiveError('CONFIG_INVALID', message);
}
