/** The example of docs/specs/testing.md, as it stands there, in a process of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const testing = pathToFileURL(join(root, 'src/testing/index.ts')).href;

it('the documented use of the driver runs and prints what it says', async () => {
  const page = await readFile(join(root, 'docs/specs/testing.md'), 'utf8');
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const promised = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map((match) => match[1]);
  expect(promised).toHaveLength(3);
  const folder = await mkdtemp(join(tmpdir(), 'ff-example-'));
  try {
    const file = join(folder, 'example.ts');
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await writeFile(file, code.replace("'firstfive/testing'", JSON.stringify(testing)));
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: root });
    expect(stdout.trimEnd().split('\n')).toEqual(promised);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);
