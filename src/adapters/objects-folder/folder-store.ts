/** The object store on a folder: media from files and keys, artefacts by key. Many processes may share it. */
import type { ObjectStore } from '../../stages/object-store.ts';
import { deleteObject, getObject, putObject, sweepIncoming } from './artefact-files.ts';
import { openConfined } from './confine.ts';
import { toMediaError } from './file-errors.ts';
import { locate } from './locate.ts';
import { pinFile } from './pinned-file.ts';

/** Which files beside the store's own objects may be read. */
export interface FileAccess {
  /** Folders under which `file:` uploads and absolute paths may be read; none by default. */
  readonly mediaRoots?: readonly string[];
  /** `score` and `demo`: any file that this user can read. */
  readonly allowAnyFile?: boolean;
}

export interface FolderStoreOptions extends FileAccess {
  /** Holds the objects; created with the first one. */
  readonly root: string;
}

export function openFolderStore({ root, ...access }: FolderStoreOptions): ObjectStore {
  let swept = false;
  return {
    ...openFileReader(access, root),
    get: (key, signal) => getObject(root, key, signal),
    async putIfAbsent(key, bytes, signal) {
      signal?.throwIfAborted();
      if (!swept) await sweepIncoming(root, Date.now());
      swept = true;
      return putObject(root, key, bytes);
    },
    delete: (key) => deleteObject(root, key),
  };
}

/** Opens media alone. Without a `root` there are no keys: they are refused. */
export function openFileReader(
  { mediaRoots = [], allowAnyFile = false }: FileAccess,
  root?: string,
): Pick<ObjectStore, 'open'> {
  return {
    async open(uri, signal) {
      signal?.throwIfAborted();
      const location = locate(uri, root, allowAnyFile);
      const roots = location.kind === 'key' ? [location.root] : allowAnyFile ? undefined : mediaRoots;
      try {
        return await pinFile(await openConfined(location.path, uri, roots), uri);
      } catch (thrown) {
        throw toMediaError(thrown, uri);
      }
    },
  };
}
