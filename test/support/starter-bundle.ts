/** The bundle that ships, loaded and checked once per test file. */
import { fileURLToPath } from 'node:url';
import { openFolderRepository } from '../../src/adapters/model-repository/folder-repository.ts';
import type { LoadedBundle } from '../../src/stages/model-repository.ts';

export const modelsDir = fileURLToPath(new URL('../../models/', import.meta.url));

let loaded: Promise<LoadedBundle> | undefined;

export function starterBundle(): Promise<LoadedBundle> {
  loaded ??= openFolderRepository(modelsDir).load('starter');
  return loaded;
}
