/** What a program behind the wall can and cannot do. Needs a machine on which a wall can be made, and says so where not. */
import { execFile } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openSandbox } from '../../../src/adapters/process-sandbox/sandbox.ts';
import type { Confined } from '../../../src/stages/extract/sandbox.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const sandbox = await openSandbox('auto');
const walled = sandbox.kind !== 'none';
if (!walled) process.stderr.write(`note: no sandbox here (${sandbox.detail}); its tests are skipped\n`);

const LIMITS = { addressSpaceBytes: 8 * 1024 ** 3, cpuSeconds: 60, openFiles: 64 };
let folder: string;
let server: Server;
let port: number;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'firstfive-wall 0\\%\t')));
  writeFileSync(join(folder, 'upload.mp4'), 'the upload');
  writeFileSync(`${folder}.secret`, 'another upload');
  symlinkSync(`${folder}.secret`, join(folder, 'link.mp4'));
  server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
  rmSync(`${folder}.secret`);
});

/** Runs a script behind the wall; it prints JSON. */
async function behind(script: string, more: Partial<Confined> = {}): Promise<unknown> {
  const { command, args } = sandbox.launch({
    ...{ command: process.execPath, args: ['-e', script], program: [], readable: [folder], limits: LIMITS },
    ...more,
  });
  const { stdout } = await promisify(execFile)(command, [...args], { env: { KEPT: 'yes' } });
  return JSON.parse(stdout);
}

/** Error code of each attempt, or `done`. */
const attempts = (...calls: readonly string[]) => `
  const fs = require('node:fs'), out = {};
  for (const call of ${JSON.stringify(calls)}) {
    try { eval(call); out[call] = 'done'; } catch (error) { out[call] = error.code; }
  }
  console.log(JSON.stringify(out));`;

describe.skipIf(!walled)('a program in the sandbox', () => {
  it('reads the folders that it was given, and no file outside them', async () => {
    const inside = `fs.readFileSync(${JSON.stringify(join(folder, 'upload.mp4'))})`;
    const outside = [
      `${folder}.secret`,
      join(folder, 'link.mp4'),
      '/etc/passwd',
      '/etc/hostname',
      `/proc/${process.pid}/environ`,
      `/proc/1/root/etc/passwd`,
      '/old/etc/passwd',
      `${process.cwd()}/package.json`,
    ].map((path) => `fs.readFileSync(${JSON.stringify(path)})`);
    const results = (await behind(attempts(inside, ...outside))) as Record<string, string>;
    expect(results[inside]).toBe('done');
    for (const call of outside) expect(results[call], call).toMatch(/^(ENOENT|EACCES|EPERM)$/);
  });

  it('writes nowhere', async () => {
    const places = [folder, '/', '/tmp', '/usr/lib', '/dev', '/proc/sys/kernel', '/dev/shm'];
    const calls = places.map((place) => `fs.writeFileSync(${JSON.stringify(join(place, 'x'))}, 'x')`);
    calls.push(`fs.unlinkSync(${JSON.stringify(join(folder, 'upload.mp4'))})`);
    calls.push(`fs.truncateSync(${JSON.stringify(join(folder, 'upload.mp4'))})`);
    const results = (await behind(attempts(...calls))) as Record<string, string>;
    for (const call of calls) expect(results[call], call).toMatch(/^(EROFS|ENOENT|EACCES|EPERM|EFBIG)$/);
  });

  it('connects nowhere, not even to this machine', async () => {
    const script = `
      const net = require('node:net'), out = [];
      const to = [[${port}, '127.0.0.1'], [53, '1.1.1.1'], [80, '::1']];
      for (const [port, host] of to) {
        net.connect(port, host)
          .on('connect', () => { console.log('["connected"]'); process.exit(); })
          .on('error', (error) => { out.push(error.code); if (out.length === to.length) console.log(JSON.stringify(out)); });
      }`;
    for (const code of (await behind(script)) as string[])
      expect(code).toMatch(/^(ENETUNREACH|ECONNREFUSED|EADDRNOTAVAIL)$/);
  });

  it('sees no process of the machine and can signal none', async () => {
    const call = `process.kill(${process.pid}, 0)`;
    const results = (await behind(attempts(call))) as Record<string, string>;
    expect(results[call]).toBe('ESRCH');
    const pids = (await behind(
      `console.log(JSON.stringify(require('node:fs').readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length))`,
    )) as number;
    expect(pids).toBeLessThanOrEqual(3);
  });

  it('has no capability, and none to gain', async () => {
    const script = `console.log(JSON.stringify(require('node:fs').readFileSync('/proc/self/status', 'utf8')))`;
    const status = (await behind(script)) as string;
    expect(status).toMatch(/CapPrm:\s+0+\n/);
    expect(status).toMatch(/CapBnd:\s+0+\n/);
    expect(status).toMatch(/NoNewPrivs:\s+1\n/);
  });

  it('gets the environment that its starter gives it, and its limits', async () => {
    const environment = (await behind('console.log(JSON.stringify(process.env))')) as object;
    // bwrap adds where the program starts: the root.
    expect({ PWD: '/', ...environment }).toEqual({ PWD: '/', KEPT: 'yes' });
    const script = `console.log(JSON.stringify(require('node:fs').readFileSync('/proc/self/limits', 'utf8')))`;
    const limits = (await behind(script)) as string;
    expect(limits).toMatch(/Max cpu time\s+60\s/);
    expect(limits).toMatch(new RegExp(`Max address space\\s+${LIMITS.addressSpaceBytes}\\s`));
    expect(limits).toMatch(/Max file size\s+0\s/);
    expect(limits).toMatch(/Max core file size\s+0\s/);
  });

  it('tells by what signal it died, as 128 and the signal', async () => {
    const ended = behind(`process.kill(process.pid, 'SIGSEGV')`);
    await expect(ended).rejects.toMatchObject({ code: 139 });
  });
});

describe('a sandbox that is turned off', () => {
  it('starts programs as they are', async () => {
    const off = await openSandbox('off');
    expect(off.kind).toBe('none');
    expect(off.launch({ command: '/bin/x', args: ['y'], program: [], readable: [] })).toEqual({
      ...{ command: '/bin/x', args: ['y'] },
    });
  });
});
