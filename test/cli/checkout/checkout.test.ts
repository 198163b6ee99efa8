import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testSteps } from '../../../src/cli/checkout/run-tests.ts';
import { type CliFolder, cliFolder, packageRoot } from '../cli-harness.ts';

let folder: CliFolder;
beforeEach(async () => {
  folder = await cliFolder();
});
afterEach(() => folder.remove());

/** A checkout of its own, with the real report script and the benchmarks given. */
async function checkout(benchmarks: Readonly<Record<string, string>>): Promise<string> {
  const files = { ...benchmarks, report: await readFile(join(packageRoot, 'benchmarks/report.ts'), 'utf8') };
  await mkdir(join(folder.path, 'benchmarks/lib'), { recursive: true });
  await writeFile(join(folder.path, 'package.json'), '{"version":"9.9.9","type":"module"}');
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder.path, 'benchmarks', `${name}.ts`), text);
  }
  await writeFile(join(folder.path, 'benchmarks/lib/plumbing.ts'), '');
  // Topology, schemas and models are not needed by these commands.
  return folder.path;
}

const good = `export const description = 'counts to ten';
export async function run() {
  console.error('warming up');
  console.log('a line that is no report');
  return [{ case: 'count', value: 1234.5, unit: 'ops/s', samples: 3, min: 1000, max: 2000 }];
}`;

describe('test', () => {
  it('runs the quick tests only, when nothing is said', () => {
    const steps = testSteps({}, ['-t', 'x']);
    expect(steps.map(({ name }) => name)).toEqual(['tests']);
    expect(steps[0]?.args.slice(1)).toEqual(['run', '--exclude', '**/*.slow.test.ts', '-t', 'x']);
  });

  it('runs lint, layers, types and all tests with --all, Vitest last', () => {
    const steps = testSteps({ all: true }, []);
    expect(steps.map(({ name }) => name)).toEqual(['lint', 'layers', 'types', 'tests']);
    expect(steps.at(-1)?.args.slice(1)).toEqual(['run']);
    expect(steps.at(-1)?.env).toBeUndefined();
  });

  it('asks tests for their long form with --long', () => {
    const run = testSteps({ long: true }, []).at(-1);
    expect(run?.env).toEqual({ FIRSTFIVE_TEST_LONG: '1' });
    expect(run?.args.slice(1)).toEqual(['run']);
  });

  it('needs a checkout', async () => {
    const run = await folder.run(['test'], { packageRoot: folder.path });
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('needs a checkout') });
  });
});

describe('bench', () => {
  it('prints one object with machine, versions and results', async () => {
    const root = await checkout({ good });
    const { code, ...run } = await folder.run(['bench', 'good', '--json'], {
      packageRoot: root,
      env: process.env,
    });
    expect(code).toBe(0);
    const [report, ...more] = run.json();
    expect(more).toEqual([]);
    expect(Object.keys(report ?? {})).toEqual(['name', 'machine', 'versions', 'results']);
    expect(report).toMatchObject({
      name: 'good',
      machine: { cores: expect.any(Number), cpu: expect.any(String) },
      versions: { firstfive: '9.9.9', node: process.versions.node, commit: expect.any(String) },
      results: [{ case: 'count', value: 1234.5, unit: 'ops/s', samples: 3, min: 1000, max: 2000 }],
    });
  });

  it('prints a table for people, and writes the report where it is told to', async () => {
    const root = await checkout({ good });
    const args = ['bench', '--out', 'results'];
    const { stdout } = await folder.run(args, { packageRoot: root, env: process.env });
    expect(stdout).toMatch(/^good on .*\n {2}count {9}1,235 ops\/s {6,}1,000 to 2,000 in 3 samples\n$/);
    const written = JSON.parse(await readFile(join(folder.path, 'results/good.json'), 'utf8'));
    expect(written).toMatchObject({ name: 'good' });
  });

  it('fails with a benchmark that fails, and goes on with the others', async () => {
    const root = await checkout({ bad: 'throw new Error("broken")', good });
    const run = await folder.run(['bench', '--json'], { packageRoot: root, env: process.env });
    expect(run).toMatchObject({ code: 1, stderr: 'firstfive: benchmark bad failed\n' });
    expect(run.json()).toMatchObject([{ name: 'good' }]);
  });

  it('names the benchmarks there are', async () => {
    const root = await checkout({ good, other: good });
    const run = await folder.run(['bench', 'none'], { packageRoot: root });
    expect(run).toMatchObject({
      code: 2,
      stderr: 'firstfive: USAGE there is no benchmark none; there is: good, other\n',
    });
  });
});
