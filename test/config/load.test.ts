import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/config/load.ts';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
let cwd: string;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'ff-load-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const load = (flags: Record<string, string> = {}, env: Record<string, string> = {}) =>
  loadConfiguration({ flags, env, cwd, packageRoot, cores: 2 });

describe('loadConfiguration', () => {
  it('loads the shipped topology when nothing is said', async () => {
    const { options, topology } = await load();
    expect(topology.name).toBe('cold-start');
    expect(options.dataDir).toBe(join(cwd, '.firstfive'));
  });

  it('puts a configuration file before the topology file, and the environment before both', async () => {
    const topology = `name: t
bundle: starter
topics: { in: , out: , bad: }
stages:
  - { name: s, steps: [extract, embed, score], input: in, outputs: { score: out }, deadLetters: bad }
options: { topicPrefix: fromtopology., replica: 1, drain: 1 }
`;
    await writeFile(join(cwd, 't.yaml'), topology);
    await writeFile(join(cwd, 'c.yaml'), 'topology: ./t.yaml\nreplica: 2\nlogLevel: warn\n');
    const { options, topology: value } = await load({ config: 'c.yaml' }, { FIRSTFIVE_LOG_LEVEL: 'error' });
    expect(options).toMatchObject({
      topicPrefix: 'fromtopology.',
      replica: 2,
      drainMs: 1_000,
      logLevel: 'error',
    });
    expect(options.origins).toMatchObject({
      topicPrefix: 'topology file',
      replica: 'configuration file',
      logLevel: 'environment',
    });
    expect(value.topics[0]?.name).toBe('fromtopology.in');
  });

  it('says which file cannot be read', async () => {
    await expect(load({ topology: './none.yaml' })).rejects.toMatchObject({ code: 'TOPOLOGY_INVALID' });
    await expect(load({ config: 'none.yaml' })).rejects.toThrow(
      `cannot read ${join(cwd, 'none.yaml')} (ENOENT)`,
    );
  });

  it('refuses an unknown key of a configuration file with its line', async () => {
    await writeFile(join(cwd, 'c.yaml'), 'replica: 2\nrepilca: 3\n');
    await expect(load({ config: 'c.yaml' })).rejects.toThrow('c.yaml:2:1: unknown key repilca');
  });
});
