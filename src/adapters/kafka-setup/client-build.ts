/**
 * Builds the native Kafka client from the sources on the npm registry, into a folder of its own with its own lockfile: who
 * does not use Kafka needs no compiler.
 *
 * B1. What the build needs is looked for first, so that a missing header is a sentence and not the end of a compiler log.
 * B2. The result is loaded in a child process before it takes its place: a build without zstd never does.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { FirstFiveError } from '../../core/errors.ts';
import { applyPatch, CLIENT_PATCHES } from './client-patches.ts';
import { type Installation, installOnce, isInstalled } from './install-once.ts';
import { runTool } from './run-tool.ts';

export interface ClientPlaces {
  /** Folder with package.json and package-lock.json of the client. */
  readonly recipeDir: string;
  readonly installDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Features of librdkafka that it must come out with: they depend on the headers found. */
  readonly features: readonly string[];
}

const RECIPE = ['package.json', 'package-lock.json', '.npmrc'] as const;

/** Debian package to the header that tells whether it is there. */
const HEADERS = {
  'libzstd-dev': 'zstd.h',
  'liblz4-dev': 'lz4.h',
  'libssl-dev': 'openssl/ssl.h',
  'libsasl2-dev': 'sasl/sasl.h',
  'zlib1g-dev': 'zlib.h',
} as const;

/** True when it was built now (minutes). `CONFIG_INVALID` says what is missing or what failed. */
export async function ensureClient(places: ClientPlaces, onWaiting?: () => void): Promise<boolean> {
  return installOnce({ ...(await installation(places)), ...(onWaiting === undefined ? {} : { onWaiting }) });
}

export async function isClientBuilt(places: ClientPlaces): Promise<boolean> {
  return isInstalled(await installation(places));
}

/** Debian packages that are missing here; empty when it can be built. */
export async function missingForBuild(env: ClientPlaces['env']): Promise<readonly string[]> {
  const compiler =
    (await succeeds('c++', ['--version'], env)) && (await succeeds('make', ['--version'], env));
  const missing: string[] = compiler ? [] : ['build-essential'];
  if (!(await succeeds('python3', ['--version'], env))) missing.push('python3');
  if (!compiler) return [...missing, ...Object.keys(HEADERS)];
  for (const [name, header] of Object.entries(HEADERS)) {
    const found = await succeeds('c++', ['-E', '-x', 'c++', '-include', header, '/dev/null'], env);
    if (!found) missing.push(name);
  }
  return missing;
}

async function installation(places: ClientPlaces): Promise<Installation> {
  const digest = createHash('sha256').update(`node ${process.versions.modules} ${process.arch}`);
  for (const name of RECIPE) digest.update(await readFile(join(places.recipeDir, name)));
  digest.update(JSON.stringify(CLIENT_PATCHES));
  return { dir: places.installDir, key: digest.digest('hex'), make: (fresh) => build(places, fresh) };
}

async function build(places: ClientPlaces, fresh: string): Promise<void> {
  const missing = await missingForBuild(places.env); // B1
  if (missing.length > 0) {
    throw new FirstFiveError(
      'CONFIG_INVALID',
      `building the Kafka client needs what these packages hold; on Debian: apt-get install ${missing.join(' ')}`,
    );
  }
  const env = { ...places.env, npm_config_nodedir: nodeHeaders(places.env), JOBS: undefined };
  const logFile = `${places.installDir}.log`;
  const npm = (...args: string[]) => runTool({ command: 'npm', args, cwd: fresh, env, logFile });
  for (const name of RECIPE) await copyFile(join(places.recipeDir, name), join(fresh, name));
  await npm('ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error');
  await patchSources(join(fresh, 'node_modules', 'node-rdkafka'));
  await npm('rebuild', '--foreground-scripts', '--no-audit', '--no-fund', '--loglevel=error');
  await requireFeatures(fresh, places.features); // B2
  await removeIntermediates(join(fresh, 'node_modules', 'node-rdkafka'));
  await requireFeatures(fresh, places.features);
}

async function patchSources(packageDir: string): Promise<void> {
  for (const patch of CLIENT_PATCHES) {
    const file = join(packageDir, patch.file);
    await writeFile(file, applyPatch(await readFile(file, 'utf8'), patch));
  }
}

async function requireFeatures(dir: string, features: readonly string[]): Promise<void> {
  const script = `process.stdout.write(require('node-rdkafka').features.join(' '))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { cwd: dir });
  const missing = features.filter((feature) => !stdout.split(' ').includes(feature));
  if (missing.length === 0) return;
  throw new FirstFiveError('CONFIG_INVALID', `the Kafka client came out without ${missing.join(', ')}`);
}

/** The build leaves half a gigabyte of object files; what is loaded later are the add-on and its two libraries. */
async function removeIntermediates(packageDir: string): Promise<void> {
  const keep = new Set(['build', 'lib', 'package.json', 'LICENSE.txt', 'librdkafka.js']);
  for (const name of await readdir(packageDir)) if (!keep.has(name)) await remove(packageDir, name);
  const buildDir = join(packageDir, 'build');
  for (const name of await readdir(buildDir))
    if (!['Release', 'deps'].includes(name)) await remove(buildDir, name);
  for (const name of await readdir(join(buildDir, 'Release'))) {
    if (!name.endsWith('.node')) await remove(join(buildDir, 'Release'), name);
  }
  for (const name of await readdir(join(buildDir, 'deps'))) {
    if (!/\.(so|dylib)(\.\d+)?$/.test(name) && !/\.\d+\.dylib$/.test(name))
      await remove(join(buildDir, 'deps'), name);
  }
}

function remove(dir: string, name: string): Promise<void> {
  return rm(join(dir, name), { recursive: true, force: true });
}

/** Headers of this very Node, where they lie beside it: node-gyp would look for them elsewhere. */
function nodeHeaders(env: ClientPlaces['env']): string | undefined {
  const prefix = dirname(dirname(process.execPath));
  const given = env.npm_config_nodedir;
  const places = [
    ...(given === undefined ? [] : [given]),
    prefix,
    join(prefix, 'node_modules', nodePlatform()),
  ];
  return places.find((place) => existsSync(join(place, 'include', 'node', 'node.h')));
}

/** Folder in which the npm package `node` keeps a platform's files. */
function nodePlatform(): string {
  return `node-${process.platform}-${process.arch}`;
}

async function succeeds(
  command: string,
  args: readonly string[],
  env: ClientPlaces['env'],
): Promise<boolean> {
  try {
    await promisify(execFile)(command, [...args], { env: { ...env } });
    return true;
  } catch {
    return false;
  }
}
