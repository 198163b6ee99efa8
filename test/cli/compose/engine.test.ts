import { describe, expect, it } from 'vitest';
import { type Engine, openEngine } from '../../../src/cli/compose/engine.ts';
import { loadConfiguration } from '../../../src/config/load.ts';
import type { Step } from '../../../src/runtime/topology.ts';
import type { ObjectStore } from '../../../src/stages/object-store.ts';
import { childrenOf, isAlive } from '../../support/child-processes.ts';
import { packageRoot } from '../../support/embedded-run.ts';
import { uploadFeatures } from '../../support/upload-fixtures.ts';

const store: ObjectStore = {
  open: () => Promise.reject(new Error('nothing is opened here')),
  get: () => Promise.reject(new Error('nothing is read here')),
  putIfAbsent: async () => false,
  delete: async () => false,
};

async function opened(flags: Record<string, string>, steps?: readonly Step[]): Promise<Engine> {
  const { options, topology } = await loadConfiguration({
    flags,
    env: {},
    cwd: packageRoot,
    packageRoot,
    cores: 2,
  });
  const stages = topology.stages.map((stage) => (steps === undefined ? stage : { ...stage, steps }));
  return openEngine({ options, topology: { ...topology, stages }, store, cores: 2 });
}

const livingChildren = () => childrenOf(process.pid).filter(isAlive);

describe('openEngine', () => {
  it('opens decoder and inference for a stage of all steps, and closing ends every child', async () => {
    const before = livingChildren();
    const engine = await opened({});
    expect(engine.decoderBuild).toMatch(/libav/);
    expect(engine.executionProvider).toBe('cpu');
    expect(livingChildren().length).toBeGreaterThan(before.length);
    await engine.close();
    expect(livingChildren()).toEqual(before);
  });

  it('starts no child where nothing is decoded', async () => {
    const before = livingChildren();
    const engine = await opened({}, ['score']);
    expect(livingChildren()).toEqual(before);
    const score = engine.score.score(uploadFeatures(), { lane: 'live', scoredAt: 1 });
    expect(score.tier).toBe(1);
    await expect(engine.extract.extract('clip.mp4')).rejects.toThrow();
    await engine.close();
  });

  it('names what is missing, and closes what it had opened before', async () => {
    const before = livingChildren();
    await expect(opened({ provider: 'tensorrt' })).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await expect(opened({ bundle: 'nonesuch' })).rejects.toMatchObject({ code: 'BUNDLE_NOT_FOUND' });
    expect(livingChildren()).toEqual(before);
  });
});
