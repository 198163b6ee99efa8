import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installOnce, isInstalled } from '../../../src/adapters/kafka-setup/install-once.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'firstfive-install-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const PROGRAM = fileURLToPath(new URL('./install-slowly.ts', import.meta.url));

describe('a folder that is installed once', () => {
  it('is made by one of many that want it at the same time, and by nobody again', async () => {
    const dir = join(root, 'tool');
    let made = 0;
    const install = () =>
      installOnce({
        dir,
        key: 'v1',
        make: async (fresh) => {
          made += 1;
          await delay(50);
          await writeFile(join(fresh, 'file'), 'content');
        },
      });
    expect((await Promise.all([install(), install(), install()])).filter((now) => now)).toHaveLength(1);
    expect(await install()).toBe(false);
    expect([made, readFileSync(join(dir, 'file'), 'utf8')]).toEqual([1, 'content']);
  });

  it('is made anew for another key, and the old content goes', async () => {
    const dir = join(root, 'tool');
    const install = (key: string) =>
      installOnce({ dir, key, make: (fresh) => writeFile(join(fresh, key), '') });
    await install('v1');
    expect(await install('v2')).toBe(true);
    expect([existsSync(join(dir, 'v1')), existsSync(join(dir, 'v2'))]).toEqual([false, true]);
  });

  it('leaves what was there when making fails', async () => {
    const dir = join(root, 'tool');
    await installOnce({ dir, key: 'v1', make: (fresh) => writeFile(join(fresh, 'file'), 'old') });
    const failing = installOnce({
      dir,
      key: 'v2',
      make: async () => Promise.reject(new Error('no network')),
    });
    await expect(failing).rejects.toThrow('no network');
    expect(readFileSync(join(dir, 'file'), 'utf8')).toBe('old');
    expect(await isInstalled({ dir, key: 'v1' })).toBe(true);
  });

  it('is not blocked by a process that was killed in the middle of it', async () => {
    const dir = join(root, 'tool');
    const started = Promise.withResolvers<void>();
    const child = execFile(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, dir]);
    child.stdout?.on('data', () => started.resolve());
    await started.promise;
    let waited = false;
    const install = installOnce({
      dir,
      key: 'v1',
      make: (fresh) => writeFile(join(fresh, 'file'), 'mine'),
      onWaiting: () => {
        waited = true;
        child.kill('SIGKILL');
      },
    });
    expect(await install).toBe(true);
    expect([waited, readFileSync(join(dir, 'file'), 'utf8')]).toEqual([true, 'mine']);
  });
});
