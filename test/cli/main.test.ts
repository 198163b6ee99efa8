import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from './cli-harness.ts';

let cwd: string;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'ff-main-'));
  const rows = Array.from({ length: 2_000 }, (_, i) =>
    JSON.stringify({ uploadId: `u${i}`, media: { uri: `f${i}.mp4` } }),
  );
  writeFileSync(join(cwd, 'rows.jsonl'), rows.join('\n'));
  expect((await ended(start(['submit', '--from', 'rows.jsonl']))).code).toBe(0);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

function start(args: readonly string[]): ChildProcess {
  const entry = join(packageRoot, 'src/cli/main.ts');
  return spawn(process.execPath, [entry, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr })));
}

describe('the process', () => {
  it('ends quietly when the reader of its output leaves', async () => {
    const child = start(['tail', 'media.upload.created.v1', '--from', 'beginning', '--json']);
    const end = ended(child);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await end).toEqual({ code: 0, stderr: '' });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends a tail with exit 0 on %s', async (signal) => {
    const child = start(['tail', 'media.upload.created.v1', '--from', 'beginning', '--max', '5000']);
    const end = ended(child);
    let lines = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      lines += chunk.toString().split('\n').length - 1;
      // Everything has been read: it is waiting for more when the signal comes.
      if (lines === 2_000) child.kill(signal);
    });
    expect(await end).toEqual({ code: 0, stderr: '' });
    expect(lines).toBe(2_000);
  });

  it('writes all of a long answer before it exits', async () => {
    const child = start(['tail', 'media.upload.created.v1', '--from', 'beginning', '--no-follow', '--json']);
    const end = ended(child);
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    expect((await end).code).toBe(0);
    const ids = text
      .trim()
      .split('\n')
      .map((line) => String(JSON.parse(line).key));
    expect(new Set(ids).size).toBe(2_000);
  });
});
