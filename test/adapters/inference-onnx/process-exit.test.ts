import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { modelsDir } from '../../support/starter-bundle.ts';

const source = new URL('../../../src/adapters/', import.meta.url).href;

/** Keeps a worker inside ONNX Runtime, then ends the process in the way given. */
function endWhileBusy(ending: string) {
  const program = `
    import { openFolderRepository } from '${source}model-repository/folder-repository.ts';
    import { openOnnxInference } from '${source}inference-onnx/open.ts';
    const bundle = await openFolderRepository('${modelsDir}').load('starter');
    const inference = await openOnnxInference({ bundle, provider: 'cpu', workers: 1, buckets: { vision: [5], audio: [1] } });
    const frames = () => ({ frames: { type: 'uint8', dims: [5, 224, 224, 3], data: new Uint8Array(5 * 224 * 224 * 3) } });
    const runs = [1, 2, 3, 4].map(() => inference.run('vision', frames()).catch(() => 'failed'));
    await runs[0];
    ${ending}
  `;
  const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, signal, stderr };
}

describe('a process that ends while inference is busy', () => {
  it('exits with the code that was meant', () => {
    expect(endWhileBusy('process.exit(7);')).toMatchObject({ status: 7, signal: null, stderr: '' });
  });

  it('exits with 1 and its own message after an uncaught exception', () => {
    const ended = endWhileBusy("throw new Error('a defect');");
    expect(ended).toMatchObject({ status: 1, signal: null });
    expect(ended.stderr).toContain('a defect');
    expect(ended.stderr).not.toContain('terminate called');
  });

  it('exits with 0 by itself once inference was closed', () => {
    expect(endWhileBusy('await inference.close();')).toMatchObject({ status: 0, signal: null, stderr: '' });
  });
});
