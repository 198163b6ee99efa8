import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSandbox } from '../../../src/adapters/process-sandbox/sandbox.ts';
import { type CheckResult, runChecks } from '../../../src/cli/doctor/checks.ts';
import { nodeCheck, sandboxCheck } from '../../../src/cli/doctor/machine-checks.ts';
import { logCheck, storeCheck } from '../../../src/cli/doctor/place-checks.ts';
import { openLog } from '../../../src/cli/openers.ts';
import { loadConfiguration } from '../../../src/config/load.ts';
import { type CliFolder, cliFolder, packageRoot } from '../cli-harness.ts';

let folder: CliFolder;
beforeEach(async () => {
  folder = await cliFolder();
});
afterEach(() => folder.remove());

async function doctor(...args: string[]) {
  const run = await folder.run(['doctor', '--json', ...args]);
  const results = run.json() as readonly { name: string; status: string; detail: string; fix?: string }[];
  return { code: run.code, of: (name: string) => results.find((result) => result.name === name) };
}

describe('doctor', () => {
  it('finds a machine that runs these tests fit, and creates nothing', async () => {
    const { code, of } = await doctor();
    expect(code).toBe(0);
    for (const name of ['node', 'provider cpu', 'bundle', 'log', 'store', 'schemas']) {
      expect([name, of(name)?.status]).toEqual([name, 'ok']);
    }
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('fails, and says what to do, where something asked for cannot work', async () => {
    await writeFile(join(folder.path, 'file'), 'no database');
    const { code, of } = await doctor('--log', 'sqlite:file', '--bundle', 'none', '--media-roots', 'gone');
    expect(code).toBe(1);
    expect(of('log')).toMatchObject({ status: 'fail' });
    expect(of('bundle')).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('BUNDLE_NOT_FOUND'),
    });
    expect(of('media roots')).toMatchObject({
      status: 'warn',
      fix: expect.stringContaining('--media-roots'),
    });
    expect(of('schemas')).toMatchObject({ status: 'ok' });
  });
});

describe('the check of', () => {
  const configuration = (flags = {}) =>
    loadConfiguration({ flags, env: {}, cwd: folder.path, packageRoot, cores: 2 });

  it('the sandbox says what decoders run behind, or warns that it is nothing', async () => {
    const { kind } = await openSandbox('auto');
    const check = async (flags = {}) => {
      const results: CheckResult[] = [];
      const { options } = await configuration(flags);
      for await (const result of runChecks([sandboxCheck(options)])) results.push(result);
      return results;
    };
    const found = kind === 'none' ? 'warn' : 'ok';
    expect(await check()).toMatchObject([{ name: 'sandbox', status: found, detail: expect.any(String) }]);
    expect(await check({ sandbox: 'off' })).toMatchObject([{ name: 'sandbox', status: 'info' }]);
  });

  it('the log names who runs a stage', async () => {
    await folder.run(['submit', 'x.mp4']);
    const { options, topology } = await configuration();
    const check = logCheck(options, topology, { packageRoot, env: {}, stderr: process.stderr });
    const log = await openLog(options.log);
    const listener = { onAssigned: async () => {}, onRevoked: async () => {} };
    const groupId = topology.stages[0]?.groupId ?? '';
    await log.join({ groupId, topics: ['media.upload.created.v1'], slot: '0', listener });
    const stage = async () => (await check.run()).find(({ name }) => name === 'stage cold-start')?.detail;
    expect(await stage()).toContain('is in use by this very process');
    await log.close();
    expect(await stage()).toBe('not running');
  });

  it('the store fails for one that cannot be opened', async () => {
    const { options } = await configuration({ store: 's3://bucket' });
    const nobody = {
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
    };
    const [result] = await storeCheck(options, nobody).run();
    expect(result).toMatchObject({ status: 'fail', fix: expect.stringContaining('AWS_ENDPOINT_URL_S3') });
  });
});

describe('checks', () => {
  it('fail alone when they throw', async () => {
    const checks = [
      { name: 'one', run: () => Promise.reject(new Error('broken')) },
      { name: 'two', run: async () => [{ name: 'two', status: 'ok', detail: '' } as const] },
    ];
    const results: CheckResult[] = [];
    for await (const result of runChecks(checks)) results.push(result);
    expect(results).toEqual([
      { name: 'one', status: 'fail', detail: 'INTERNAL Error: broken' },
      { name: 'two', status: 'ok', detail: '' },
    ]);
  });

  it.each([
    ['v22.18.9', 'fail'],
    ['v22.19.0', 'ok'],
    ['v24.0.0', 'ok'],
    ['v20.20.2', 'fail'],
  ])('of Node %s: %s', async (version, status) => {
    expect(await nodeCheck(version).run()).toMatchObject([{ status }]);
  });
});
