/**
 * What a REST registry is told of who asks, from settings by name, as the environment has them. Secrets come as a value or,
 * with `_FILE` behind the name, as the path of a file that holds them; no message repeats one.
 *
 *   FIRSTFIVE_REGISTRY_USERNAME, FIRSTFIVE_REGISTRY_PASSWORD[_FILE]   basic (RFC 7617)
 *   FIRSTFIVE_REGISTRY_TOKEN[_FILE]                                   bearer (RFC 6750)
 *
 * K1. Files are read for every request that needs them: whoever renews a token writes it there.
 */
import { readFile } from 'node:fs/promises';
import { FirstFiveError } from '../../core/errors.ts';

export type RegistrySettings = Readonly<Record<string, string | undefined>>;

/** The `Authorization` header for the next request; `undefined` without credentials. Rejects with `REGISTRY_UNAVAILABLE`. */
export type RegistryCredentials = () => Promise<string | undefined>;

const PREFIX = 'FIRSTFIVE_REGISTRY_';
const KNOWN = ['USERNAME', 'PASSWORD', 'PASSWORD_FILE', 'TOKEN', 'TOKEN_FILE'];

/** `CONFIG_INVALID` names the setting that is wrong or missing. */
export function registryCredentials(settings: RegistrySettings): RegistryCredentials {
  const unknown = Object.keys(settings).find(
    (name) => name.startsWith(PREFIX) && !KNOWN.includes(name.slice(PREFIX.length)),
  );
  if (unknown !== undefined) throw invalid(`${unknown} is not a setting of the schema registry`);
  const username = settings[`${PREFIX}USERNAME`] || undefined;
  const password = secret(settings, 'PASSWORD');
  const token = secret(settings, 'TOKEN');
  if ((username === undefined) !== (password === undefined)) {
    throw invalid(`${PREFIX}USERNAME and ${PREFIX}PASSWORD[_FILE] are given together`);
  }
  if (token !== undefined) {
    if (username !== undefined) throw invalid(`give ${PREFIX}TOKEN or ${PREFIX}USERNAME, not both`);
    return async () => `Bearer ${await token()}`;
  }
  if (username === undefined || password === undefined) return async () => undefined;
  if (username.includes(':')) throw invalid(`${PREFIX}USERNAME must not contain a colon`);
  return async () => `Basic ${Buffer.from(`${username}:${await password()}`).toString('base64')}`;
}

function secret(settings: RegistrySettings, name: string): (() => Promise<string>) | undefined {
  const value = settings[PREFIX + name] || undefined;
  const file = settings[`${PREFIX}${name}_FILE`] || undefined;
  if (value !== undefined && file !== undefined) {
    throw invalid(`give ${PREFIX}${name} or ${PREFIX}${name}_FILE, not both`);
  }
  if (value !== undefined) return async () => value;
  return file === undefined ? undefined : () => secretIn(file, `${PREFIX}${name}_FILE`);
}

/** The first line of a file, without its end. */
async function secretIn(file: string, setting: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    throw unavailable(`${setting}: ${file} cannot be read (${thrown.code ?? 'unknown'})`);
  });
  const [line = ''] = text.split(/\r?\n/, 1);
  if (line === '') throw unavailable(`${setting}: ${file} is empty`);
  return line;
}

function invalid(message: string): FirstFiveError {
  return new FirstFiveError('CONFIG_INVALID', message);
}

function unavailable(message: string): FirstFiveError {
  return new FirstFiveError('REGISTRY_UNAVAILABLE', message);
}
