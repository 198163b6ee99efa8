import { describe, expect, it } from 'vitest';
import { inferenceProfile } from '../../../src/adapters/inference-onnx/profile.ts';
import { starterBundle } from '../../support/starter-bundle.ts';

const { manifest } = await starterBundle();

describe('the inference profile', () => {
  it('runs one single-threaded worker per core on the CPU, and each upload alone', () => {
    const profile = inferenceProfile(manifest, { provider: 'cpu', cores: 2 });
    expect(profile).toMatchObject({ workers: 2, intraOpThreads: 1, buckets: { vision: [1, 5], audio: [1] } });
    expect(profile.policies.vision).toMatchObject({ maxRows: 5, maxDelayMs: 0, maxInFlight: 2 });
    expect(profile.policies.audio).toMatchObject({ maxRows: 1, maxDelayMs: 0, maxInFlight: 2 });
  });

  it('fills the largest buckets on a GPU', () => {
    const profile = inferenceProfile(manifest, { provider: 'cuda', cores: 16 });
    expect(profile).toMatchObject({ workers: 1, buckets: { vision: [1, 5, 10, 20], audio: [1, 2, 4] } });
    expect(profile.policies.vision).toMatchObject({ maxRows: 20, maxDelayMs: 5, maxInFlight: 2 });
  });

  it('follows what the configuration sets, but never splits an upload for it', () => {
    const profile = inferenceProfile(
      manifest,
      { provider: 'cpu', cores: 64 },
      { workers: 3, maxRows: 2, maxDelayMs: 7 },
    );
    expect(profile).toMatchObject({ workers: 3, buckets: { vision: [1, 5], audio: [1, 2] } });
    expect(profile.policies.vision).toMatchObject({ maxRows: 5, maxDelayMs: 7, maxInFlight: 3 });
  });
});
