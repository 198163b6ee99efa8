/** Clips that media benchmarks decode: real uploads where they are at hand, else the samples of the repository. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Clips {
  readonly name: string;
  readonly paths: readonly string[];
}

export function benchmarkClips(): Clips {
  const real = fileURLToPath(new URL('../../../shared/data/snapugc/videos/', import.meta.url));
  const folder = existsSync(real) ? real : fileURLToPath(new URL('../../samples/', import.meta.url));
  const paths = readdirSync(folder)
    .filter((name) => name.endsWith('.mp4'))
    .sort()
    .map((name) => join(folder, name));
  return { name: folder === real ? `${paths.length} real uploads` : `${paths.length} sample clips`, paths };
}
