/** The object store on a folder: media from files and keys, artefacts by key. Many processes may share it. */
import type { ObjectStore } from '../../stages/object-store.ts';
import { deleteObject, getObject, putObject, sweepIncoming } from './artefact-files.ts';
import { openConfined } from './confine.ts';
import { toMediaError } from './file-errors.ts';
import { locate } from './locate.ts';
import { pinFile } from './pinned-file.ts';

export interface FolderStoreOptions {
  /** Holds the objects; created with the first one. */
  readonly root: string;
  /** Folders under which `file:` uploads and absolute paths may be read; none by default. */
  readonly mediaRoots?: readonly string[];
  /** `score` and `demo`: any file that this user can read. */
  readonly allowAnyFile?: boolean;
}

export function openFolderStore({
  root,
  mediaRoots = [],
  allowAnyFile = false,
}: FolderStoreOptions): ObjectStore {
  let swept = false;
  return {
    async open(uri, signal) {
      signal?.throwIfAborted();
      const { kind, path } = locate(uri, root, allowAnyFile);
      const roots = kind === 'key' ? [root] : allowAnyFile ? undefined : mediaRoots;
      try {
        return await pinFile(await openConfined(path, uri, roots), uri);
      } catch (thrown) {
        throw toMediaError(thrown, uri);
      }
    },
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
