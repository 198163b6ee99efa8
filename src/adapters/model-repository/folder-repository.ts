/**
 * `ModelRepository` on a folder: `<dir>/<name>/<version>/bundle.json` (Triton's layout).
 *
 * A folder without a `bundle.json` is not a bundle and is passed over, so that scripts may lie beside the versions.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BundleIdentity, type BundleManifest, bundleLabel } from '../../core/bundle.ts';
import { canonicalJson, sha256Hex } from '../../core/digest.ts';
import { FirstFiveError } from '../../core/errors.ts';
import type { LoadedBundle, ModelRepository } from '../../stages/model-repository.ts';
import { namedFiles, readInside, readVerified } from './bundle-files.ts';
import { parseManifest } from './manifest-schema.ts';

const MANIFEST = 'bundle.json';

export function openFolderRepository(dir: string): ModelRepository {
  return { list: () => listBundles(dir), load: (reference) => loadBundle(dir, reference) };
}

async function listBundles(dir: string): Promise<readonly BundleIdentity[]> {
  const found: BundleIdentity[] = [];
  for (const name of (await folders(dir)).sort()) {
    const versions = await folders(join(dir, name));
    for (const version of versions.sort(compareVersions)) {
      if (await isFile(join(dir, name, version, MANIFEST))) found.push({ name, version });
    }
  }
  return found;
}

async function loadBundle(dir: string, reference: string): Promise<LoadedBundle> {
  const identity = await resolveReference(dir, reference);
  const label = bundleLabel(identity);
  const folder = join(dir, identity.name, identity.version);
  try {
    const text = new TextDecoder('utf-8', { fatal: false }).decode(await readInside(folder, MANIFEST));
    const manifest = parseManifest(text, MANIFEST);
    assertIdentity(manifest, identity);
    const files = namedFiles(manifest);
    for (const file of files) await readVerified(folder, file);
    return {
      manifest,
      label,
      digest: sha256Hex(
        [canonicalJson(manifest), ...files.map((one) => `${one.sha256}  ${one.file}`)].join('\n'),
      ),
      filePath: (file) => join(folder, named(manifest, file).file),
      read: async (file) => readVerified(folder, named(manifest, file)),
    };
  } catch (thrown) {
    if (!(thrown instanceof FirstFiveError)) throw thrown;
    throw new FirstFiveError(thrown.code, `bundle ${label}: ${thrown.message}`, { cause: thrown });
  }
}

async function resolveReference(dir: string, reference: string): Promise<BundleIdentity> {
  const [name = '', version] = reference.split('@');
  const all = await listBundles(dir);
  const match = all.findLast(
    (one) => one.name === name && (version === undefined || one.version === version),
  );
  if (match !== undefined) return match;
  const there = all.map(bundleLabel).join(', ') || 'none';
  throw new FirstFiveError('BUNDLE_NOT_FOUND', `no bundle ${reference} in ${dir}; there is: ${there}`);
}

function assertIdentity(manifest: BundleManifest, folder: BundleIdentity): void {
  if (manifest.name === folder.name && manifest.version === folder.version) return;
  throw new FirstFiveError(
    'BUNDLE_INVALID',
    `the manifest is of ${bundleLabel(manifest)}, the folder of ${bundleLabel(folder)}`,
  );
}

function named(manifest: BundleManifest, file: string) {
  const found = namedFiles(manifest).find((one) => one.file === file);
  if (found === undefined) throw new FirstFiveError('BUNDLE_INVALID', `the manifest names no file ${file}`);
  return found;
}

async function folders(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((thrown: unknown) => {
    throw new FirstFiveError('BUNDLE_NOT_FOUND', `the model folder ${dir} cannot be read`, { cause: thrown });
  });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}

/** By number, part by part; names that are no versions come first, by code unit. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? -1) - (right[i] ?? -1);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
