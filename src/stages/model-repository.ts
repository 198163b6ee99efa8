/** Port: where bundles come from. Adapters: `model-repository` (folder), an S3 prefix or a model hub later. */
import type { BundleIdentity, BundleManifest } from '../core/bundle.ts';

/** A bundle whose manifest was parsed and whose files had the stated hashes when it was loaded. */
export interface LoadedBundle {
  readonly manifest: BundleManifest;
  /** `name@version`. */
  readonly label: string;
  /** SHA-256 over the canonical manifest and the hash of every file that it names. */
  readonly digest: string;
  /** Absolute path of a file that the manifest names. */
  filePath(file: string): string;
  /** The bytes of a file that the manifest names, hash checked again; `BUNDLE_INVALID` when it has changed. */
  read(file: string): Promise<Uint8Array>;
}

export interface ModelRepository {
  /** By name, then by version, both rising. What is broken is listed too; `load` says why. */
  list(): Promise<readonly BundleIdentity[]>;
  /**
   * `name` loads the highest version, `name@version` that one. `BUNDLE_NOT_FOUND` names what there is; `BUNDLE_INVALID`
   * says what is wrong with the manifest or which file is missing, changed or outside the bundle's folder.
   */
  load(reference: string): Promise<LoadedBundle>;
}
