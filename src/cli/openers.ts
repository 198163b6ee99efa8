/** From places to adapters. Each adapter's module loads when it is opened: no command pays for another's parts. */
import type { Serdes } from '../adapters/schemas/index.ts';
import type { LogPlace, RegistryPlace, StorePlace } from '../config/places.ts';
import { FirstFiveError } from '../core/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { ObjectStore } from '../stages/object-store.ts';

/** How sure the embedded log is of each commit; other logs have their own. */
export interface LogSettings {
  readonly synchronous?: 'FULL' | 'NORMAL';
}

/** Which `file:` uploads may be read: those under roots (`up`), or any that this user can read (`score`, `demo`). */
export type MediaAccess = { readonly mediaRoots: readonly string[] } | { readonly allowAnyFile: true };

/** Fails with `CONFIG_INVALID` for a log that this version cannot open. */
export async function openLog(place: LogPlace, settings: LogSettings = {}): Promise<Log> {
  if (place.kind === 'kafka') throw notBuilt('the Kafka log', '--log sqlite:PATH');
  const { openSqliteLog } = await import('../adapters/log-sqlite/sqlite-log.ts');
  return openSqliteLog({ path: place.path, ...settings });
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
  if (place.kind === 'http') throw notBuilt('the REST schema registry', '--registry folder:PATH');
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
  // `file:` uploads need no folder of the store's own; keys belong to the bucket.
  const files = openFolderStore({ root: '/nonexistent', ...access });
  const store = openS3Store({ ...place, ...(endpoint === undefined ? {} : { endpoint }), files });
  await store.check();
  return store;
}

function notBuilt(what: string, instead: string): FirstFiveError {
  return new FirstFiveError('CONFIG_INVALID', `${what} is not built yet; use ${instead}`);
}
