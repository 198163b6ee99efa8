/** The fused topology that ships, with one retry topic whose records wait for a moment only. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from './embedded-run.ts';

export interface QuickRetries extends AsyncDisposable {
  /** For `--topology`. */
  readonly path: string;
}

export const QUICK_DELAY_MS = 500;

export async function quickRetries(): Promise<QuickRetries> {
  const folder = await mkdtemp(join(tmpdir(), 'firstfive-topology-'));
  const shipped = await readFile(join(packageRoot, 'topologies', 'cold-start.yaml'), 'utf8');
  const quick = shipped
    .replace('topics: [30s, 5m, 30m]', `topics: [${QUICK_DELAY_MS}ms]`)
    .replace('media.upload.created.v1.retry.30s', `media.upload.created.v1.retry.${QUICK_DELAY_MS}ms`)
    .replace('initialBackoff: 200ms', 'initialBackoff: 20ms');
  const path = join(folder, 'quick.yaml');
  await writeFile(path, quick);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
