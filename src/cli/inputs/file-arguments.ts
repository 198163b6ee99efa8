/**
 * FILE, DIR and URI arguments as media to upload.
 *
 * A1. A folder stands for every regular file in it, in all depths, sorted by name; names that begin with a dot are
 *     skipped, links to folders are not followed (they may lead back).
 * A2. What does not exist is kept: it is an upload that cannot be found, said in its own place.
 * A3. An uploadId is the file's name without its extension. Files that would share one are named by their paths.
 */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, parse, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FirstFiveError } from '../../core/errors.ts';
import { mediaUri } from './upload-row.ts';

export interface MediaArgument {
  readonly uploadId: string;
  readonly uri: string;
}

interface Found {
  /** As given, or below the folder that was given. */
  readonly path: string;
  readonly uri: string;
  readonly stem: string;
}

export async function expandArguments(
  given: readonly string[],
  cwd: string,
): Promise<readonly MediaArgument[]> {
  const found: Found[] = [];
  for (const argument of given) {
    const kind = await kindOf(resolve(cwd, argument));
    if (kind === 'folder') await collect(argument, cwd, found);
    else if (kind === 'absent') found.push(fromUri(argument, cwd));
    else found.push(fromPath(argument, cwd));
  }
  return named(found);
}

async function collect(folder: string, cwd: string, found: Found[]): Promise<void> {
  const entries = await entriesOf(resolve(cwd, folder));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await collect(path, cwd, found);
    else if (entry.isFile() || (entry.isSymbolicLink() && (await kindOf(resolve(cwd, path))) === 'file')) {
      found.push(fromPath(path, cwd));
    }
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw new FirstFiveError('USAGE', `cannot read the folder ${folder}`, { cause: error });
  }
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | 'absent'> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) return 'folder';
    return info.isFile() ? 'file' : 'other';
  } catch {
    return 'absent';
  }
}

/** A path that exists is a path, whatever it looks like. */
function fromPath(path: string, cwd: string): Found {
  return { path, uri: pathToFileURL(resolve(cwd, path)).href, stem: parse(path).name };
}

function fromUri(argument: string, cwd: string): Found {
  const uri = mediaUri(argument, cwd);
  const path = URL.canParse(uri) ? pathOf(new URL(uri)) : argument;
  return { path: argument, uri, stem: parse(path).name || argument };
}

function pathOf(url: URL): string {
  try {
    return url.protocol === 'file:' ? fileURLToPath(url) : decodeURIComponent(url.pathname);
  } catch {
    return url.pathname;
  }
}

function named(found: readonly Found[]): readonly MediaArgument[] {
  const stems = counted(found.map((one) => one.stem));
  const names = found.map((one) => ((stems.get(one.stem) ?? 0) > 1 ? one.path : one.stem));
  const used = new Set<string>();
  return found.map(({ uri }, index) => {
    const name = names[index] ?? '';
    let uploadId = name;
    // The same file given twice is two uploads of the run.
    for (let copy = 2; used.has(uploadId); copy++) uploadId = `${name}#${copy}`;
    used.add(uploadId);
    return { uploadId, uri };
  });
}

function counted(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
