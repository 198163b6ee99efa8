import { describe, expect, it } from 'vitest';
import { requireSameIdentity } from '../../../src/cli/backfill/run/identity.ts';

const begun = {
  bundle: 'starter@1.0.0',
  bundleDigest: 'd',
  extractionPlanDigest: 'e',
  calibrationDigest: 'c',
  decoderBuild: 'libav/8.1',
  startedAt: 1,
};

describe('the identity of a run', () => {
  it('lets a run go on at another time', () => {
    expect(() => requireSameIdentity('r', begun, { ...begun, startedAt: 2 })).not.toThrow();
  });

  it.each(['bundleDigest', 'extractionPlanDigest', 'calibrationDigest', 'decoderBuild'] as const)(
    'refuses another %s: rows of two kinds in one run',
    (part) => {
      expect(() => requireSameIdentity('r', begun, { ...begun, [part]: 'other' })).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(part) }),
      );
    },
  );
});
