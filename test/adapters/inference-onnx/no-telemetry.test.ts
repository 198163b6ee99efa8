import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startNode } from '../../support/start-node.ts';

it('loads and runs ONNX Runtime without a report to anyone: nothing appears in the temporary and cache folders', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-quiet-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const before = { ...process.env };
  Object.assign(process.env, { TMPDIR: folder, HOME: folder, XDG_CACHE_HOME: folder });
  onTestFinished(() => {
    Object.assign(process.env, before);
  });
  const child = startNode(new URL('programs/run-toy-graph.ts', import.meta.url), []);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect([code, output]).toEqual([0, 'ran\n']);
  expect(await readdir(folder, { recursive: true })).toEqual([]);
});
