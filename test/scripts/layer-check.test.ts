import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLayers } from '../../scripts/layer-check.ts';

let root: string;
beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), 'ff-layers-')), 'src');
});
afterEach(() => rmSync(dirname(root), { recursive: true, force: true }));

function tree(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }
}

const found = () => checkLayers(root).map(({ file, line, rule }) => `${file}:${line}: ${rule}`);

describe('the layer rule', () => {
  it('is kept by this source tree', () => {
    expect(checkLayers(fileURLToPath(new URL('../../src/', import.meta.url)))).toEqual([]);
  });

  it('passes imports that run inward', () => {
    tree({
      'core/a.ts': "import { b } from './b.ts';\nimport { hash } from 'node:crypto';\n",
      'core/b.ts': 'export const b = 1;\n',
      'stages/s.ts': "import { b } from '../core/b.ts';\n",
      'runtime/r.ts': "import { b } from '../core/b.ts';\n",
      'adapters/log-sqlite/x.ts':
        "import '../../runtime/r.ts';\nimport '../../stages/s.ts';\nimport './y.ts';\nimport 'node:sqlite';\n",
      'adapters/log-sqlite/y.ts': '',
      'config/c.ts': "import '../runtime/r.ts';\nimport { z } from 'zod';\n",
      'cli/m.ts': "import '../config/c.ts';\nimport '../adapters/log-sqlite/x.ts';\nimport 'commander';\n",
      'testing/t.ts': "import '../runtime/r.ts';\n",
    });
    expect(found()).toEqual([]);
  });

  it('lets `topology test` load the driver, and no other part of the command line', () => {
    const text = "const driver = await import('../testing/t.ts');\n";
    tree({ 'testing/t.ts': '', 'cli/topology-test.ts': text, 'cli/up-command.ts': text });
    expect(found()).toEqual(['src/cli/up-command.ts:1: cli must not import testing (testing/t.ts)']);
  });

  it.each([
    ['core/a.ts', "import type { X } from '../runtime/x.ts';", 'core must not import runtime (runtime/x.ts)'],
    ['core/a.ts', "import { readFile } from 'node:fs';", 'core is pure and must not import node:fs'],
    ['stages/a.ts', "import '../runtime/x.ts';", 'stages must not import runtime (runtime/x.ts)'],
    ['runtime/a.ts', "import '../stages/x.ts';", 'runtime must not import stages (stages/x.ts)'],
    ['adapters/one/a.ts', "import '../two/x.ts';", 'adapter one imports adapter two'],
    [
      'adapters/one/a.ts',
      "const x = await import('../../cli/x.ts');",
      'adapters must not import cli (cli/x.ts)',
    ],
    [
      'config/a.ts',
      "export * from '../adapters/one/x.ts';",
      'config must not import adapters (adapters/one/x.ts)',
    ],
    ['cli/a.ts', "import '../testing/x.ts';", 'cli must not import testing (testing/x.ts)'],
    [
      'cli/a.ts',
      "import { DatabaseSync } from 'node:sqlite';",
      'node:sqlite may be imported in src/adapters/log-sqlite, src/adapters/table-sqlite, src/adapters/kafka-setup only',
    ],
    [
      'cli/a.ts',
      "import type { Logger } from 'pino';",
      'pino may be imported in src/adapters/telemetry only',
    ],
    [
      'runtime/a.ts',
      "import { x } from '@opentelemetry/sdk-trace';",
      '@opentelemetry/sdk-trace may be imported in src/adapters/telemetry only',
    ],
    [
      'adapters/one/a.ts',
      "import av from 'node-av/api';",
      'node-av may be imported in src/adapters/media-libav only',
    ],
    ['cli/a.ts', "import '../../test/x.ts';", 'cli imports from outside src (../test/x.ts)'],
    ['other/a.ts', "import '../core/x.ts';", 'src/other is no layer'],
  ])('names file, line and rule: %s with %s', (path, line, rule) => {
    tree({ [path]: `// a file\n\n${line}\n` });
    expect(found()).toEqual([expect.stringContaining(`src/${path}:3: ${rule}`)]);
  });

  it('finds a cycle, of types only too, and names the whole of it', () => {
    tree({
      'core/a.ts': "import type { B } from './b.ts';\n",
      'core/b.ts': "\nimport { c } from './c.ts';\n",
      'core/c.ts': "export type { A } from './a.ts';\n",
    });
    expect(found()).toEqual([
      'src/core/c.ts:1: import cycle: core/a.ts -> core/b.ts -> core/c.ts -> core/a.ts',
    ]);
  });

  it('ends its command with 1 and the violations, or 0', () => {
    const script = fileURLToPath(new URL('../../scripts/check-layers.ts', import.meta.url));
    const run = () => execFileSync(process.execPath, [script, root], { encoding: 'utf8', stdio: 'pipe' });
    tree({ 'core/a.ts': "import 'node:net';\n" });
    expect(run).toThrow(
      expect.objectContaining({
        status: 1,
        stderr: expect.stringContaining('src/core/a.ts:1: core is pure'),
      }),
    );
    tree({ 'core/a.ts': '' });
    expect(run).not.toThrow();
  });
});
