import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileReader, openFolderStore } from '../../../src/adapters/objects-folder/folder-store.ts';
import { claimCheck } from '../../../src/core/claim-check.ts';
import type { ObjectStore } from '../../../src/stages/object-store.ts';
import { describeObjectStore } from '../../contract/object-store.contract.ts';
import { startNode } from '../../support/start-node.ts';

describeObjectStore('objects-folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'firstfive-store-'));
  return {
    store: openFolderStore({ root }),
    connect: () => openFolderStore({ root }),
    async upload(name, bytes) {
      await writeFile(join(root, name), bytes);
      return name;
    },
    dispose: () => rm(root, { recursive: true }),
  };
});

describe('uris of a folder store', () => {
  let dir: string;
  let media: string;
  let store: ObjectStore;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'firstfive-store-'));
    media = join(dir, 'media');
    await mkdir(join(media, 'sub'), { recursive: true });
    await mkdir(join(dir, 'media-evil'));
    await writeFile(join(media, 'a b%20c.mp4'), 'clip');
    await writeFile(join(dir, 'secret'), 'secret');
    await writeFile(join(dir, 'media-evil', 'x'), 'secret');
    store = openFolderStore({ root: join(dir, 'store'), mediaRoots: [media] });
  });
  afterEach(() => rm(dir, { recursive: true }));

  const read = async (uri: string, from: ObjectStore = store) => {
    const object = await from.open(uri);
    const bytes = await object.read(0, 100);
    await object.close();
    return new TextDecoder().decode(bytes);
  };
  const refused = (uri: string, code: string, from: ObjectStore = store) =>
    expect(from.open(uri)).rejects.toMatchObject({ code });

  it('take a path literally and decode a file: URI', async () => {
    const path = join(media, 'a b%20c.mp4');
    expect(await read(path)).toBe('clip');
    expect(await read(pathToFileURL(path).href)).toBe('clip');
    await refused(`file://${media}/a%20b%20c.mp4`, 'MEDIA_NOT_FOUND');
  });

  it('refuse files outside the media roots, and do not tell whether they exist', async () => {
    await refused(join(dir, 'secret'), 'MEDIA_FORBIDDEN');
    await refused(join(dir, 'no-such-file'), 'MEDIA_FORBIDDEN');
    await refused(`file://${media}/../secret`, 'MEDIA_FORBIDDEN');
    await refused(`file://${media}/%2e%2e/secret`, 'MEDIA_FORBIDDEN');
    await refused(`${media}/../secret`, 'MEDIA_FORBIDDEN');
    await refused(join(dir, 'media-evil', 'x'), 'MEDIA_FORBIDDEN');
    await refused(join(media, 'none'), 'MEDIA_NOT_FOUND');
  });

  it('follow symbolic links that stay inside a root and refuse those that leave it', async () => {
    await symlink(join(media, 'a b%20c.mp4'), join(media, 'sub', 'inside'));
    await symlink(join(dir, 'secret'), join(media, 'outside'));
    await symlink(dir, join(media, 'updir'));
    await symlink('loop', join(media, 'loop'));
    expect(await read(join(media, 'sub', 'inside'))).toBe('clip');
    await refused(join(media, 'outside'), 'MEDIA_FORBIDDEN');
    await refused(join(media, 'updir', 'secret'), 'MEDIA_FORBIDDEN');
    await refused(join(media, 'loop'), 'MEDIA_FORBIDDEN');
  });

  it('work when a media root is itself a symbolic link', async () => {
    await symlink(media, join(dir, 'link-to-media'));
    const linked = openFolderStore({ root: join(dir, 'store'), mediaRoots: [join(dir, 'link-to-media')] });
    expect(await read(join(dir, 'link-to-media', 'a b%20c.mp4'), linked)).toBe('clip');
    expect(await read(join(media, 'a b%20c.mp4'), linked)).toBe('clip');
  });

  it('refuse what is not a regular file, at once', async () => {
    execFileSync('mkfifo', [join(media, 'pipe')]);
    await refused(join(media, 'pipe'), 'MEDIA_NOT_A_FILE');
    await refused(join(media, 'sub'), 'MEDIA_NOT_A_FILE');
    await refused('/dev/zero', 'MEDIA_NOT_A_FILE', openFolderStore({ root: dir, allowAnyFile: true }));
  });

  it('refuse NULs, other schemes, foreign hosts and names that are too long', async () => {
    await refused('a\0b', 'MEDIA_URI_INVALID');
    await refused(`file://${media}/a%00b`, 'MEDIA_URI_INVALID');
    await refused('s3://bucket/key', 'MEDIA_URI_INVALID');
    await refused('https://example.org/a.mp4', 'MEDIA_URI_INVALID');
    await refused('file://example.org/a.mp4', 'MEDIA_URI_INVALID');
    await refused('file:///a%2Fb', 'MEDIA_URI_INVALID');
    await refused('', 'MEDIA_URI_INVALID');
    await refused(join(media, 'x'.repeat(300)), 'MEDIA_URI_INVALID');
  });

  it('know no keys where files alone are read', async () => {
    const files = openFileReader({ mediaRoots: [media] });
    const clip = await files.open(join(media, 'a b%20c.mp4'));
    expect(clip.sizeBytes).toBe(4);
    await clip.close();
    await expect(files.open('k/1')).rejects.toMatchObject({ code: 'MEDIA_URI_INVALID' });
  });

  it('open any file where that is allowed, and keys all the same', async () => {
    const any = openFolderStore({ root: join(dir, 'store'), allowAnyFile: true });
    await any.putIfAbsent('k/1', new TextEncoder().encode('object'));
    expect(await read(join(dir, 'secret'), any)).toBe('secret');
    expect(await read('package.json', any)).toContain('firstfive');
    expect(await read('k/1', any)).toBe('object');
    await refused(join(dir, 'none'), 'MEDIA_NOT_FOUND', any);
  });

  it('refuse object keys that leave the store through a symbolic link', async () => {
    await mkdir(join(dir, 'store'));
    await symlink(dir, join(dir, 'store', 'up'));
    await symlink(join(dir, 'secret'), join(dir, 'store', 'leak'));
    await refused('up/secret', 'MEDIA_FORBIDDEN');
    await refused('leak', 'MEDIA_FORBIDDEN');
    await expect(store.get('leak')).rejects.toMatchObject({ code: 'MEDIA_FORBIDDEN' });
    await expect(store.putIfAbsent('up/new', new Uint8Array(1))).rejects.toMatchObject({
      code: 'MEDIA_FORBIDDEN',
    });
    await expect(store.delete('up/secret')).rejects.toMatchObject({ code: 'MEDIA_FORBIDDEN' });
    expect(await readdir(dir)).not.toContain('new');
  });

  it('never leak a file that is swapped in while another one is opened', async () => {
    const victim = join(media, 'sub');
    await writeFile(join(victim, 'x'), 'clip');
    const swapper = startNode(new URL('./swap-folder.ts', import.meta.url), [dir]);
    await once(swapper.stdout, 'data');
    const seen = new Map<string, number>();
    for (const end = performance.now() + 1_500; performance.now() < end; ) {
      const what = await read(join(victim, 'x')).catch((thrown: { code: string }) => thrown.code);
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }
    swapper.kill('SIGKILL');
    await once(swapper, 'exit');
    expect(seen.get('secret')).toBeUndefined();
    expect(seen.get('clip')).toBeGreaterThan(0);
    const others = [...seen.keys()].filter((what) => what !== 'clip');
    expect(others.every((what) => ['MEDIA_FORBIDDEN', 'MEDIA_NOT_FOUND'].includes(what))).toBe(true);
  });

  it('read a file of 4 GB by range without reading it whole', async () => {
    const path = join(media, 'huge.mp4');
    await writeFile(path, 'head');
    await truncate(path, 4 * 1024 ** 3 + 10);
    const object = await store.open(path);
    expect(object.sizeBytes).toBe(4 * 1024 ** 3 + 10);
    expect(await object.read(0, 4)).toEqual(new TextEncoder().encode('head'));
    expect(await object.read(4 * 1024 ** 3, 100)).toHaveLength(10);
    await object.close();
  });

  it.skipIf(process.getuid?.() === 0)(
    'are forbidden where the operating system says so (not run as root)',
    async () => {
      await chmod(join(media, 'a b%20c.mp4'), 0);
      await refused(join(media, 'a b%20c.mp4'), 'MEDIA_FORBIDDEN');
    },
  );
});

describe('artefacts of a folder store', () => {
  it('have keys made of their content', () => {
    expect(claimCheck(new TextEncoder().encode('abc'))).toEqual({
      key: 'sha256/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      sizeBytes: 3,
    });
  });

  it('are whole or absent after the writer was killed at any moment', async () => {
    const root = await mkdtemp(join(tmpdir(), 'firstfive-store-'));
    const store = openFolderStore({ root });
    for (let round = 0; round < 5; round++) {
      const writer = startNode(new URL('./write-artefacts.ts', import.meta.url), [root, String(round)]);
      await once(writer.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, 20 + round * 17));
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    }
    let objects = 0;
    for (const round of await readdir(join(root, 'kill'))) {
      for (const name of await readdir(join(root, 'kill', round))) {
        const bytes = await store.get(`kill/${round}/${name}`);
        expect(bytes.byteLength).toBe(200_000);
        expect(bytes.every((byte) => byte === Number(name) % 251)).toBe(true);
        objects++;
      }
    }
    expect(objects).toBeGreaterThan(5);
    await rm(root, { recursive: true });
  });
});
