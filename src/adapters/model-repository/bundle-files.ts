/** The files of one bundle's folder: opened only inside it, and only with the hash that the manifest states. */
import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { BundleFile, BundleManifest } from '../../core/bundle.ts';
import { sha256Hex } from '../../core/digest.ts';
import { FirstFiveError } from '../../core/errors.ts';

/** Every file that a manifest names, in the order of their names. */
export function namedFiles(manifest: BundleManifest): readonly BundleFile[] {
  const { graphs, tokenizers = {}, head, golden } = manifest;
  const files = [...Object.values(graphs), ...Object.values(tokenizers), head, golden];
  return files
    .map(({ file, sha256 }) => ({ file, sha256 }))
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
}

/** Bytes of a file whose real path lies in `folder`. `BUNDLE_INVALID` with the reason otherwise. */
export async function readInside(folder: string, file: string): Promise<Uint8Array> {
  try {
    const root = await realpath(folder);
    const real = await realpath(join(root, file));
    if (!real.startsWith(root + sep))
      throw new FirstFiveError('BUNDLE_INVALID', `${file} leads out of the bundle's folder`);
    return await readFile(real);
  } catch (thrown) {
    if (thrown instanceof FirstFiveError) throw thrown;
    throw new FirstFiveError('BUNDLE_INVALID', `${file}: ${describe(thrown)}`, { cause: thrown });
  }
}

export async function readVerified(folder: string, { file, sha256 }: BundleFile): Promise<Uint8Array> {
  const bytes = await readInside(folder, file);
  const actual = sha256Hex(bytes);
  if (actual === sha256) return bytes;
  throw new FirstFiveError('BUNDLE_INVALID', `${file} has sha256 ${actual}, stated is ${sha256}`);
}

function describe(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  if (code === 'ENOENT') return 'the file is missing';
  return thrown instanceof Error ? thrown.message : String(thrown);
}
