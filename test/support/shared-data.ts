/** Optional test data beside the checkout. Tests that use it say so when it is absent, and run without it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

/** Absolute path of a file or folder of the shared data, or `undefined` (said once on stderr) when it is not there. */
export function sharedData(path: string): string | undefined {
  const full = `${root}${path}`;
  if (existsSync(full)) return full;
  process.stderr.write(`note: ../shared/data/${path} is absent; the tests that use it are skipped\n`);
  return undefined;
}
