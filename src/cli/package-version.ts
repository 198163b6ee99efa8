/** The version in package.json. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function packageVersion(packageRoot: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
