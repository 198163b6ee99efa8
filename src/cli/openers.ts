/** From places to adapters. Each adapter's module loads when it is opened: no command pays for another's parts. */
import type { Serdes } from '../adapters/schemas/index.ts';
import type { LogPlace, RegistryPlace, StorePlace } from '../config/places.ts';
import { FirstFiveError, toFirstFiveError } from '../core/errors.ts';
import type { Log } from '../runtime/log.ts';
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

/** Which `file:` uploads may be read: those under roots (`up`), or any that this user can read (`score`, `demo`). */
export type MediaAccess = { readonly mediaRoots: readonly string[] } | { readonly allowAnyFile: true };

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

/** Fails with `CONFIG_INVALID` for a registry that this version cannot open. */
export async function openSerdes(place: RegistryPlace): Promise<Serdes> {
  if (place.kind === 'http') {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      'the REST schema registry is not built yet; use --registry folder:PATH',
    );
  }
  const { createSerdes, openFolderRegistry } = await import('../adapters/schemas/index.ts');
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
  const { openFolderStore } = await import('../adapters/objects-folder/folder-store.ts');
  if (place.kind === 'folder') return openFolderStore({ root: place.path, ...access });
  const { openS3Store } = await import('../adapters/objects-s3/s3-store.ts');
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  const credentials = environmentCredentials(env);
  // `file:` uploads need no folder of the store's own; keys belong to the bucket.
  const files = openFolderStore({ root: '/nonexistent', ...access });
  const store = openS3Store({
    ...place,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    files,
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
