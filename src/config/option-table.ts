/**
 * Every option that says where things live and how they run: one table from which the flags, the environment variables,
 * the keys of configuration files and the reference in docs/specs/configuration.md all follow.
 */

export interface OptionEntry {
  /** Key in configuration files and in `RunOptions` lookups. */
  readonly key: OptionKey;
  /** Flag with its placeholder, as help shows it. */
  readonly flag: string;
  readonly env: string;
  readonly description: string;
  /** Parts the items of an option that takes several. */
  readonly separator?: ':' | ',';
}

export type OptionKey =
  | 'log'
  | 'store'
  | 'registry'
  | 'models'
  | 'data'
  | 'topology'
  | 'bundle'
  | 'provider'
  | 'inference'
  | 'decoder'
  | 'sandbox'
  | 'mediaRoots'
  | 'mediaPlaces'
  | 'replica'
  | 'management'
  | 'topicPrefix'
  | 'drain'
  | 'otlp'
  | 'logLevel';

export const OPTION_TABLE: readonly OptionEntry[] = [
  entry('log', '--log <place>', 'the log: sqlite:PATH or kafka://HOST:PORT[,HOST:PORT]'),
  entry('store', '--store <place>', 'the object store: folder:PATH or s3://BUCKET[/PREFIX]'),
  entry('registry', '--registry <place>', 'the schema registry: folder:PATH or http(s)://HOST'),
  entry('models', '--models <place>', 'the model repository: folder:PATH'),
  entry('data', '--data <dir>', 'where the embedded log and store live (default .firstfive)'),
  entry('topology', '--topology <file>', 'topology file, or the name of a built-in one (default cold-start)'),
  entry('bundle', '--bundle <name[@version]>', "model bundle (default: the topology's)"),
  entry('provider', '--provider <name>', 'execution provider: cpu, cuda or tensorrt (default cpu)'),
  entry(
    'inference',
    '--inference <place>',
    'where graphs run: local, or http(s)://HOST[:PORT] of a server of the Open Inference Protocol (default local)',
  ),
  entry('decoder', '--decoder <name>', 'media decoder: auto, libav or ffmpeg (default auto)'),
  entry('sandbox', '--sandbox <mode>', 'sandbox of the decoders: auto (where the machine has one) or off'),
  entry(
    'mediaRoots',
    '--media-roots <dirs>',
    'folders, parted by ":", from which `up` may read file: uploads',
    ':',
  ),
  entry(
    'mediaPlaces',
    '--media-places <places>',
    's3://BUCKET[/PREFIX], parted by ",", from which s3: uploads may be read beside the store\'s own',
    ',',
  ),
  entry('replica', '--replica <n>', "this process's slot among the replicas (default 0)"),
  entry('management', '--management <host:port>', 'health, readiness and metrics (default 127.0.0.1:0)'),
  entry('topicPrefix', '--topic-prefix <prefix>', 'put before the name of every topic and group'),
  entry('drain', '--drain <seconds>', 'how long a stopping process finishes its work (default 30)'),
  entry('otlp', '--otlp <url>', 'OTLP endpoint that traces and metrics are sent to'),
  entry('logLevel', '--log-level <level>', 'trace, debug, info, warn, error or silent (default info)'),
];

/** Environment variable that names a configuration file; its flag is `--config`. */
export const CONFIG_FILE_ENV = 'FIRSTFIVE_CONFIG';

function entry(key: OptionKey, flag: string, description: string, separator?: ':' | ','): OptionEntry {
  const env = `FIRSTFIVE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  return { key, flag, env, description, ...(separator === undefined ? {} : { separator }) };
}
