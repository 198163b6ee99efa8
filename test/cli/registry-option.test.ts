import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { registryCheck } from '../../src/cli/doctor/place-checks.ts';
import type { RunOptions } from '../../src/config/options.ts';
import { type FakeRegistry, startFakeRegistry } from '../support/registry/fake-registry.ts';
import { type CliFolder, cliFolder } from './cli-harness.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder: CliFolder;
let server: FakeRegistry;
beforeAll(async () => {
  folder = await cliFolder();
});
afterAll(() => folder.remove());
beforeEach(async () => {
  const started = await startFakeRegistry('/apis/ccompat/v7');
  server = started;
  onTestFinished(() => started.close());
});

describe('--registry http://…', () => {
  it('registers the schemas that are written, with the credentials of the environment, and reads by them', async () => {
    const env = { FIRSTFIVE_REGISTRY_TOKEN: 'a-token' };
    const row = { uploadId: 'a', media: { uri: 'clip.mp4' }, title: 'a title' };
    await writeFile(join(folder.path, 'uploads.jsonl'), `${JSON.stringify(row)}\n`);
    const submitted = await folder.run(['submit', '--from', 'uploads.jsonl', '--registry', server.url], {
      env,
    });
    expect(submitted).toMatchObject({ code: 0 });
    expect(server.requests).toContain(
      'POST /apis/ccompat/v7/subjects/media.upload.created.v1-value/versions',
    );
    const tail = [
      'tail',
      'media.upload.created.v1',
      '--from',
      'beginning',
      '--max',
      '1',
      '--json',
      '--registry',
      server.url,
    ];
    const [record] = (await folder.run(tail, { env })).json();
    expect(record).toMatchObject({ value: { uploadId: 'a', title: 'a title' } });
    expect(new Set(server.authorizations)).toEqual(new Set(['Bearer a-token']));
  });

  it('fails at the start when it is away, and names it', async () => {
    const { url } = server;
    await server.close();
    const { code, stderr } = await folder.run(['tail', 'media.upload.created.v1', '--registry', url]);
    expect(code).toBe(1);
    expect(stderr).toContain(`REGISTRY_UNAVAILABLE the schema registry ${url}: no connection (ECONNREFUSED)`);
  });

  it('is checked by doctor, which says what to look at', async () => {
    const check = (url: string) =>
      registryCheck({ registry: { kind: 'http', url } } as unknown as RunOptions, {}).run();
    expect(await check(server.url)).toMatchObject([
      { name: 'schemas', status: 'ok', detail: `6 record types agree with ${server.url}` },
    ]);
    const [wrong] = await check(server.url.replace('/v7', ''));
    expect(wrong).toMatchObject({ status: 'fail', fix: expect.stringContaining('/apis/ccompat/v7') });
  });
});
