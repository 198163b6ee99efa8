/**
 * Port: the object store. Media in, artefacts out. Adapters: `objects-folder`, `objects-s3`.
 *
 * O1. An object is pinned by its etag for the whole of one extraction: a read of changed bytes fails with `MEDIA_CHANGED`.
 * O2. `putIfAbsent` never overwrites: of several writers of one key exactly one wins, and readers see whole objects only.
 * O3. A key never leaves its store: escapes by `..`, absolute paths or symbolic links fail with `MEDIA_FORBIDDEN`.
 */

export interface ObjectInfo {
  readonly uri: string;
  readonly sizeBytes: number;
  /** Opaque identity of these bytes. */
  readonly etag: string;
}

/** An opened, pinned object. */
export interface PinnedObject extends ObjectInfo {
  /**
   * A path that a child process on this machine can open, where the store has one. The child checks that `fileEtag`
   * (core/file-etag.ts) of its own descriptor is `etag`: the path may mean another file by then.
   */
  readonly localPath?: string;
  /** Bytes `[offset, offset + length)`, shorter only at the end of the object. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface ObjectStore {
  /** `MEDIA_NOT_FOUND`, `MEDIA_FORBIDDEN`, `MEDIA_NOT_A_FILE` and `MEDIA_URI_INVALID` are terminal; `STORE_UNAVAILABLE` systemic. */
  open(uri: string, signal?: AbortSignal): Promise<PinnedObject>;
  /** Whole object by key, size-checked. `ARTEFACT_MISSING` when it is not there. */
  get(key: string, signal?: AbortSignal): Promise<Uint8Array>;
  /** False when the key was already there (O2). */
  putIfAbsent(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean>;
  /** True when something was deleted. */
  delete(key: string): Promise<boolean>;
}
