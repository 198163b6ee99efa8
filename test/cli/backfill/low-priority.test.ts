import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, it, vi } from 'vitest';
import { startNode } from '../../support/start-node.ts';

vi.setConfig({ testTimeout: 60_000 });

it.skipIf(process.platform !== 'linux')('puts every thread and every child behind all else', async () => {
  const child = startNode(new URL('./low-priority-program.ts', import.meta.url), []);
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const { threads, child: inherited } = JSON.parse(said) as { threads: number[]; child: number };
  expect(threads.length).toBeGreaterThan(5);
  expect(new Set(threads)).toEqual(new Set([19]));
  expect(inherited).toBe(19);
});
