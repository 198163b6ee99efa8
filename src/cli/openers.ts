/** From places to adapters. Each adapter's module loads when it is opened: no command pays for another's parts. */
import type { TopicReport } from '../adapters/log-kafka/topic-drift.ts';
import type { Serdes } from '../adapters/schemas/index.ts';
import type { LogPlace, RegistryPlace, S3Place, StorePlace } from '../config/places.ts';
import { FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import type { Log, TopicSpec } from '../runtime/log.ts';
import type { Delivery } from '../runtime/topology.ts';
import type { ObjectStore } from '../stages/object-store.ts';
import type { CliContext } from './context.ts';

export interface LogSettings {
  /** How sure the embedded log is of each commit. */
  readonly synchronous?: 'FULL' | 'NORMAL';
  /** What a Kafka log needs beside its address: where its native client is (built at the first use), its security. */
  readonly context?: Pick<CliContext, 'packageRoot' | 'env' | 'stderr'>;
  readonly delivery?: Delivery;
}

/** Which uploads may be read beside the store's own objects. */
export interface MediaAccess {
  /** `file:` uploads: those under these roots (`up`), or any that this user can read (`score`, `demo`). */
  readonly files: { readonly mediaRoots: readonly string[] } | { readonly allowAnyFile: true };
  /** `s3:` uploads, where the store is an S3 store. */
  readonly places: readonly S3Place[];
}

export async function openLog(place: LogPlace, settings: LogSettings = {}): Promise<Log> {
  const { synchronous, context, delivery } = settings;
  if (place.kind === 'kafka') return openKafka(place.brokers, context, delivery);
  const { openSqliteLog } = await import('../adapters/log-sqlite/sqlite-log.ts');
  try {
    return await openSqliteLog({ path: place.path, ...(synchronous === undefined ? {} : { synchronous }) });
  } catch (thrown) {
    // A file that cannot even be opened is a wrong --log, not an outage to wait out.
    const { code, message } = toFirstFiveError(thrown);
    throw new FirstFiveError(code, message, { kind: 'config', cause: thrown });
  }
}

async function openKafka(
  brokers: readonly string[],
  context: LogSettings['context'],
  delivery: Delivery = 'exactly-once',
): Promise<Log> {
  if (context === undefined)
    throw new FirstFiveError('INTERNAL', 'a Kafka log needs the context of its command');
  const [{ openKafkaLog }, { kafkaConnection }, { ensureKafkaClient, kafkaClientDir }] = await Promise.all([
    import('../adapters/log-kafka/kafka-log.ts'),
    import('../adapters/log-kafka/connection-settings.ts'),
    import('./kafka/set-up.ts'),
  ]);
  const connection = kafkaConnection(brokers, 'firstfive', context.env);
  await ensureKafkaClient(context);
  return openKafkaLog({ connection, clientDir: kafkaClientDir(context.packageRoot), delivery });
}

/** What a Kafka cluster's topics are against what is wanted. Needs no native client. */
export async function reportKafkaTopics(
  brokers: readonly string[],
  topics: readonly TopicSpec[],
  env: CliContext['env'],
): Promise<TopicReport> {
  const [{ reportTopics }, { kafkaConnection }] = await Promise.all([
    import('../adapters/log-kafka/topic-drift.ts'),
    import('../adapters/log-kafka/connection-settings.ts'),
  ]);
  return reportTopics(kafkaConnection(brokers, 'firstfive', env), topics);
}

/** Opens the log, hands it to `work`, and closes it whatever happens. */
export async function withLog<T>(
  place: LogPlace,
  settings: LogSettings,
  work: (log: Log) => Promise<T>,
): Promise<T> {
  const log = await openLog(place, settings);
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}

/** `env` holds the credentials of a REST registry. Registers what is not yet: a registry that is away fails here. */
export async function openSerdes(place: RegistryPlace, env: CliContext['env']): Promise<Serdes> {
  const { createSerdes, openFolderRegistry, openRestRegistry } = await import('../adapters/schemas/index.ts');
  if (place.kind === 'http') return createSerdes(openRestRegistry({ url: place.url, settings: env }));
  return createSerdes(await openFolderRegistry(place.path));
}

/** What stands in a store's environment: an S3 server other than AWS is named as the AWS SDKs name it. */
export type StoreEnvironment = Readonly<Record<string, string | undefined>>;

/** `STORE_UNAVAILABLE` when an S3 store cannot be used: a wrong bucket or key is said at the start, not by the first upload. */
export async function openStore(
  place: StorePlace,
  access: MediaAccess,
  env: StoreEnvironment,
): Promise<ObjectStore> {
  const { openFileReader, openFolderStore } = await import('../adapters/objects-folder/folder-store.ts');
  if (place.kind === 'folder') {
    if (access.places.length > 0) {
      throw new FirstFiveError(
        'CONFIG_INVALID',
        '--media-places needs an S3 store: --store s3://BUCKET[/PREFIX]',
      );
    }
    return openFolderStore({ root: place.path, ...access.files });
  }
  const { openS3Store } = await import('../adapters/objects-s3/s3-store.ts');
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  const credentials = environmentCredentials(env);
  const store = openS3Store({
    ...place,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    mediaPlaces: access.places,
    // Keys belong to the bucket.
    files: openFileReader(access.files),
  });
  await store.check();
  return store;
}

/** The first link of the SDK's chain, taken from the context so that commands run in tests as from a shell. */
function environmentCredentials(env: StoreEnvironment) {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}
