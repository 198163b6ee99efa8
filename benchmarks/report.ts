/**
 * Runs one benchmark and prints its report as one JSON object, the last line of stdout:
 *
 *   {"name","machine","versions","results":[{"case","value","unit","samples","min","max"}]}
 *
 * A benchmark is a file of this folder that exports `run(): Promise<BenchResult[]>` and `description`, in which it says what
 * it measures and what it does not. `node benchmarks/report.ts NAME`, or `--list NAME...` for the descriptions.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface BenchResult {
  readonly case: string;
  /** Median of the samples. */
  readonly value: number;
  readonly unit: string;
  readonly samples: number;
  readonly min: number;
  readonly max: number;
}

export interface Benchmark {
  readonly description: string;
  run(): Promise<readonly BenchResult[]>;
}

export interface BenchReport {
  readonly name: string;
  readonly machine: ReturnType<typeof machine>;
  readonly versions: Readonly<Record<string, string>>;
  readonly results: readonly BenchResult[];
}

/** Packages whose version changes what is measured. */
const PACKAGES = ['onnxruntime-node', 'node-av', 'avsc'];

export async function report(name: string): Promise<BenchReport> {
  const benchmark = await load(name);
  return { name, machine: machine(), versions: versions(), results: await benchmark.run() };
}

async function load(name: string): Promise<Benchmark> {
  const module = (await import(`./${name}.ts`)) as Partial<Benchmark>;
  if (typeof module.run !== 'function' || typeof module.description !== 'string') {
    throw new Error(`benchmarks/${name}.ts must export run() and description`);
  }
  return module as Benchmark;
}

export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1_024 ** 3),
    os: `${platform()} ${release()} ${arch()}`,
  };
}

export function versions(): Readonly<Record<string, string>> {
  const { node, sqlite = 'none' } = process.versions;
  const packages = Object.fromEntries(PACKAGES.map((name) => [name, packageVersion(name)]));
  return { firstfive: versionIn('../package.json'), commit: commit(), node, sqlite, ...packages };
}

function packageVersion(name: string): string {
  try {
    return versionIn(`../node_modules/${name}/package.json`);
  } catch {
    return 'absent';
  }
}

function versionIn(path: string): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}

/** With `+changes` when the checkout differs from it: such a number belongs to no commit. */
function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: new URL('..', import.meta.url),
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  try {
    const head = git('rev-parse', '--short=12', 'HEAD');
    return git('status', '--porcelain') === '' ? head : `${head}+changes`;
  } catch {
    return 'unknown';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [first, ...rest] = process.argv.slice(2);
  if (first === '--list') {
    for (const name of rest) console.log(`${name}  ${(await load(name)).description}`);
  } else if (first !== undefined) {
    console.log(JSON.stringify(await report(first)));
  }
}
