/** What the file system behind the wall is made of. */
import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';

export type Mount =
  | { readonly kind: 'folder' | 'file'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

/** In the order in which they are made: a mount never hides an earlier one. */
export type MountPlan = readonly Mount[];

/** The dynamic loader and the libraries that Node and ffmpeg are linked to; Debian links some through /etc/alternatives. */
const SYSTEM_LIBRARIES = [
  '/usr/lib',
  '/usr/lib64',
  '/usr/lib32',
  '/lib',
  '/lib64',
  '/lib32',
  '/etc/ld.so.cache',
  '/etc/alternatives',
];

export function mountPlan(program: readonly string[], readable: readonly string[]): MountPlan {
  const wanted = [...SYSTEM_LIBRARIES, ...program, ...readable].flatMap(mountsOf);
  const byPath = new Map(wanted.map((mount) => [mount.path, mount]));
  const sorted = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const folders = sorted.filter(({ kind }) => kind === 'folder').map(({ path }) => path);
  return sorted.filter(({ path }) => !folders.some((folder) => path.startsWith(`${folder}/`)));
}

/** A path that does not exist is nothing; a symbolic link is made again beside what it means. */
function mountsOf(path: string): readonly Mount[] {
  try {
    const real = realpathSync(path);
    const kind = statSync(real).isDirectory() ? 'folder' : 'file';
    const itself: Mount = { kind, path: real };
    if (real === path) return [itself];
    const target = lstatSync(path).isSymbolicLink() ? readlinkSync(path) : real;
    return [{ kind: 'link', path, target: target.startsWith('/') ? target : real }, itself];
  } catch {
    return [];
  }
}
