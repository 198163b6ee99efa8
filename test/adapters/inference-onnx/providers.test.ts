import { describe, expect, it } from 'vitest';
import { probeProviders } from '../../../src/adapters/inference-onnx/providers.ts';

describe('probing execution providers', () => {
  it('finds the CPU, and says of every other either that it computes or what is missing', async () => {
    const statuses = await probeProviders();
    expect(statuses.map((status) => status.provider)).toEqual(['cpu', 'cuda', 'tensorrt']);
    expect(statuses[0]).toEqual({ provider: 'cpu', available: true, reason: null });
    for (const { available, reason } of statuses) {
      if (available) expect(reason).toBeNull();
      else expect(reason).toMatch(/lib\w+/);
    }
  });
});
