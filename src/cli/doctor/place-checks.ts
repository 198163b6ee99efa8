/** Checks of where things live: log, store, schemas, media roots. Nothing is created by looking. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RunOptions } from '../../config/options.ts';
import type { StorePlace } from '../../config/places.ts';
import { FirstFiveError, toFirstFiveError } from '../../core/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { Topology } from '../../runtime/topology.ts';
import type { CliContext } from '../context.ts';
import { type LogSettings, openSerdes, openStore, type StoreEnvironment, withLog } from '../openers.ts';
import { type Check, type CheckResult, failed, info, ok, warned } from './checks.ts';

const { R_OK, W_OK, X_OK } = constants;

export function logCheck(
  options: RunOptions,
  topology: Topology,
  context: NonNullable<LogSettings['context']>,
): Check {
  return {
    name: 'log',
    run: async () => {
      const { log: place } = options;
      if (place.kind === 'kafka') {
        return withLog(place, { context }, async () => [ok('log', place.brokers.join(','))]);
      }
      if (!(await exists(place.path)))
        return [await creatable('log', place.path, '--log sqlite:PATH or --data DIR')];
      await access(place.path, R_OK | W_OK);
      return withLog(place, {}, async (log) => [
        ok('log', `${place.path}, ${(await log.admin.describeTopics()).length} topics`),
        ...(await owners(log, topology)),
      ]);
    },
  };
}

/** Who runs each stage: joining is the only honest way to ask, and the group is left at once. */
async function owners(log: Log, topology: Topology): Promise<readonly CheckResult[]> {
  const there = new Set((await log.admin.describeTopics()).map((topic) => topic.name));
  const results: CheckResult[] = [];
  for (const { name, groupId, input } of topology.stages) {
    if (!there.has(input)) continue;
    results.push(info(`stage ${name}`, await ownerOf(log, groupId, input)));
  }
  return results;
}

async function ownerOf(log: Log, groupId: string, topic: string): Promise<string> {
  const listener = { onAssigned: async () => {}, onRevoked: async () => {} };
  try {
    const member = await log.join({ groupId, topics: [topic], slot: 'doctor', listener });
    await member.leave();
    return 'not running';
  } catch (error) {
    if (error instanceof FirstFiveError && error.code === 'GROUP_IN_USE') return error.message;
    throw error;
  }
}

export function storeCheck(options: RunOptions, env: StoreEnvironment): Check {
  return {
    name: 'store',
    run: async () => {
      const { store: place } = options;
      if (place.kind === 's3') {
        return [await s3Result(place, env)];
      }
      if (!(await exists(place.path)))
        return [await creatable('store', place.path, '--store folder:PATH or --data DIR')];
      return [
        (await allowed(place.path, R_OK | W_OK | X_OK))
          ? ok('store', place.path)
          : notWritable('store', place.path),
      ];
    },
  };
}

async function s3Result(place: StorePlace, env: StoreEnvironment): Promise<CheckResult> {
  try {
    await openStore(place, { files: { mediaRoots: [] }, places: [] }, env);
    return ok('store', 'the bucket answers');
  } catch (thrown) {
    const fix = 'check --store s3://BUCKET/PREFIX, the credentials and AWS_ENDPOINT_URL_S3';
    return failed('store', toFirstFiveError(thrown).message, fix);
  }
}

const REGISTRY_FIX = {
  folder: 'check --registry folder:PATH; the default is the folder that ships',
  http: 'check --registry (with its path: Apicurio has /apis/ccompat/v7) and FIRSTFIVE_REGISTRY_USERNAME, _PASSWORD_FILE or _TOKEN_FILE',
} as const;

export function registryCheck(options: RunOptions, env: CliContext['env']): Check {
  return {
    name: 'schemas',
    run: async () => {
      const { registry } = options;
      const place = registry.kind === 'folder' ? registry.path : registry.url;
      try {
        const families = Object.keys(await openSerdes(registry, env));
        return [ok('schemas', `${families.length} record types agree with ${place}`)];
      } catch (thrown) {
        const { code, message } = toFirstFiveError(thrown);
        return [failed('schemas', `${code} ${message}`, REGISTRY_FIX[registry.kind])];
      }
    },
  };
}

export function mediaRootsCheck(options: RunOptions): Check {
  return {
    name: 'media roots',
    run: async () => {
      if (options.mediaRoots.length === 0) {
        return [info('media roots', 'none: `up` reads objects of the store, and no file: uploads')];
      }
      return Promise.all(
        options.mediaRoots.map(async (root) =>
          (await allowed(root, R_OK | X_OK))
            ? ok('media roots', root)
            : warned('media roots', `${root} cannot be read`, 'create it, or correct --media-roots'),
        ),
      );
    },
  };
}

/** A file or folder that is not there yet: can it be made where it should be? */
async function creatable(name: string, path: string, option: string): Promise<CheckResult> {
  let folder = dirname(path);
  while (!(await exists(folder)) && dirname(folder) !== folder) folder = dirname(folder);
  if (await allowed(folder, W_OK | X_OK)) return ok(name, `${path} is made at the first use`);
  return failed(
    name,
    `${path} cannot be made: no right to write in ${folder}`,
    `choose another place with ${option}`,
  );
}

function notWritable(name: string, path: string): CheckResult {
  return failed(name, `no right to write in ${path}`, 'change its owner, or choose another place');
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function allowed(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
