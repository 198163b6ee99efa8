import { cp, mkdir, mkdtemp, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFolderRepository } from '../../../src/adapters/model-repository/folder-repository.ts';
import { modelsDir, starterBundle } from '../../support/starter-bundle.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'firstfive-models-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Manifest = Record<string, unknown>;

let copies = 0;

/** A copy of the bundle that ships, changed; the folder's name stays that of the manifest. */
async function copyOf(change: (manifest: Manifest, folder: string) => void | Promise<void>) {
  const dir = join(root, `copy-${copies++}`);
  const folder = join(dir, 'starter', '1.0.0');
  await cp(join(modelsDir, 'starter', '1.0.0'), folder, { recursive: true });
  const path = join(folder, 'bundle.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  await change(manifest, folder);
  await writeFile(path, JSON.stringify(manifest));
  return openFolderRepository(dir);
}

describe('the folder of bundles', () => {
  it('lists what has a manifest, by name and version, and loads the highest version by default', async () => {
    const dir = join(root, 'many');
    for (const version of ['1.9.0', '1.10.0', 'export', '1.2.0']) {
      await mkdir(join(dir, 'toy', version), { recursive: true });
      if (version !== 'export') await writeFile(join(dir, 'toy', version, 'bundle.json'), '{');
    }
    const repository = openFolderRepository(dir);
    expect(await repository.list()).toEqual([
      { name: 'toy', version: '1.2.0' },
      { name: 'toy', version: '1.9.0' },
      { name: 'toy', version: '1.10.0' },
    ]);
    await expect(repository.load('toy')).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      message: expect.stringMatching(/^bundle toy@1\.10\.0: bundle\.json: not JSON/),
    });
  });

  it('loads the bundle that ships, with one digest for the same bytes', async () => {
    const bundle = await starterBundle();
    expect(bundle.label).toBe('starter@1.0.0');
    expect(bundle.digest).toMatch(/^[0-9a-f]{64}$/);
    const copy = await (await copyOf(() => {})).load('starter@1.0.0');
    expect(copy.digest).toBe(bundle.digest);
    expect((await copy.read('text-head.bin')).byteLength).toBeGreaterThan(1_000);
    expect(copy.filePath('vision.onnx')).toMatch(/starter.1\.0\.0.vision\.onnx$/);
  });

  it('gives another digest to another manifest', async () => {
    const copy = await copyOf((manifest) => put(manifest, 'prior/meanEcr', 0.5));
    expect((await copy.load('starter')).digest).not.toBe((await starterBundle()).digest);
  });

  it('names what there is when asked for what is not', async () => {
    const repository = openFolderRepository(modelsDir);
    for (const reference of ['absent', 'starter@9.9.9', '../starter', '']) {
      await expect(repository.load(reference)).rejects.toMatchObject({
        code: 'BUNDLE_NOT_FOUND',
        message: expect.stringContaining('starter@1.0.0'),
      });
    }
    await expect(openFolderRepository(join(root, 'no-such-dir')).load('x')).rejects.toMatchObject({
      code: 'BUNDLE_NOT_FOUND',
    });
  });

  it('notices a file that changes after loading', async () => {
    let folder = '';
    const repository = await copyOf((_manifest, at) => {
      folder = at;
    });
    const bundle = await repository.load('starter');
    await writeFile(join(folder, 'text-head.bin'), 'changed');
    await expect(bundle.read('text-head.bin')).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
    await expect(bundle.read('LICENSES/NOTICE.txt')).rejects.toThrow(/names no file/);
  });
});

/** Sets what lies at a path of the manifest, or removes it. */
function put(manifest: Manifest, path: string, value: unknown): void {
  const keys = path.split('/');
  const last = keys.pop() ?? '';
  const parent = keys.reduce<Record<string, unknown>>(
    (at, key) => at[key] as Record<string, unknown>,
    manifest,
  );
  if (value === undefined) delete parent[last];
  else parent[last] = value;
}

const hugeOutput = [{ name: 'vision', type: 'float32', shape: ['n', 1e12] }];

describe('a manifest that is not what it should be', () => {
  it.each([
    ['an unknown key', 'extra', 1, /Unrecognized key: "extra"/],
    ['an unknown key deep inside', 'ticket/extra', 1, /ticket: Unrecognized key/],
    ['an unknown key of the head', 'head/extra', 1, /head: Unrecognized key/],
    ['a missing key', 'licence', undefined, /licence/],
    ['another schema version', 'schemaVersion', 2, /schemaVersion/],
    ['another name than its folder', 'name', 'other', /manifest is of other@1\.0\.0/],
    ['a version that is none', 'version', 'latest', /version: must be MAJOR/],
    ['a wrong hash', 'graphs/vision/sha256', 'f'.repeat(64), /vision\.onnx has sha256/],
    ['a hash that is none', 'graphs/vision/sha256', 'abc', /64 lower-case hex digits/],
    ['a path that leaves the folder', 'graphs/vision/file', '../1.0.0/vision.onnx', /plain path inside/],
    ['an absolute path', 'graphs/vision/file', '/etc/hostname', /plain path inside/],
    ['a path with a backslash', 'graphs/vision/file', 'a\\vision.onnx', /plain path inside/],
    ['the manifest as its own head', 'head/file', 'bundle.json', /bundle\.json has sha256/],
    ['buckets that do not rise', 'graphs/vision/buckets', [5, 1], /buckets: must rise/],
    ['a bucket of 0', 'graphs/vision/buckets', [0], /buckets/],
    ['a huge dimension', 'graphs/vision/outputs', hugeOutput, /shape/],
    ['a window that is empty', 'extractionPlan/windowMs', [5_000, 5_000], /windowMs: must not be empty/],
    ['a spread that leaves no prior', 'prior/spread', 0.45, /strength .* must exceed 2/],
    ['a correlation of 1', 'prior/rho/text', 1, /rho 1 is outside/],
    ['a correlation that is not the head’s', 'prior/rho/text', 0.111, /prior\.rho\.text is not the head/],
    ['a mean that is no number', 'prior/meanEcr', 'high', /prior\.meanEcr/],
    ['a ticket turned round', 'ticket/minImpressions', 9_999, /minImpressions exceeds/],
    ['a feature of no graph', 'features/0/from', 'vision.other', /no vision\.other/],
    ['a feature of another size', 'features/0/dim', 12, /not of dim 12/],
    ['labels that are too few', 'features/1/labels', ['guitar'], /1 labels for dim 50/],
    ['a feature named twice', 'features/2/name', 'vision', /a name is used twice/],
    ['an unknown head', 'head/kind', 'oracle', /head\.kind/],
    ['head blocks that are none', 'head/blocks', [], /head\.blocks/],
  ])('is refused for %s', async (_what, path, value, reason) => {
    const repository = await copyOf((manifest) => put(manifest, path, value));
    await expect(repository.load('starter')).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      message: expect.stringMatching(reason),
    });
  });
});

describe('files that are not what the manifest says', () => {
  it('are refused when one is missing', async () => {
    const repository = await copyOf((_manifest, folder) => unlink(join(folder, 'audio.onnx')));
    await expect(repository.load('starter')).rejects.toThrow(/audio\.onnx: the file is missing/);
  });

  it('are refused when one is a link out of the folder, whatever it leads to', async () => {
    const repository = await copyOf(async (_manifest, folder) => {
      await unlink(join(folder, 'audio.onnx'));
      await symlink(join(modelsDir, 'starter/1.0.0/audio.onnx'), join(folder, 'audio.onnx'));
    });
    await expect(repository.load('starter')).rejects.toThrow(/audio\.onnx leads out of the bundle's folder/);
  });

  it('are refused for one flipped bit', async () => {
    const repository = await copyOf(async (_manifest, folder) => {
      const bytes = await readFile(join(folder, 'text-head.bin'));
      bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
      await writeFile(join(folder, 'text-head.bin'), bytes);
    });
    await expect(repository.load('starter')).rejects.toThrow(/text-head\.bin has sha256/);
  });
});
