import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, planDigest, sha256Hex } from '../../src/core/digest.ts';
import { scoreIdOf } from '../../src/core/score-id.ts';

const parts = {
  uploadId: 'u1',
  revision: 1,
  mediaEtag: 'etag',
  text: { title: 'a', description: 'b' },
  planDigest: 'plan',
  bundleDigest: 'bundle',
  calibrationDigest: 'calibration',
  decoderBuild: 'decoder',
};

describe('the identity of a score', () => {
  it('is the same for the same parts', () => {
    expect(scoreIdOf(parts)).toBe(scoreIdOf({ ...parts, text: { description: 'b', title: 'a' } }));
    expect(scoreIdOf(parts)).toMatch(/^[0-9a-f]{32}$/);
  });

  it('changes with each of its parts', () => {
    const changed = [
      { ...parts, uploadId: 'u2' },
      { ...parts, revision: 2 },
      { ...parts, mediaEtag: 'other' },
      { ...parts, text: { title: 'ab' } },
      { ...parts, text: { title: 'a', description: 'b', caption: '' } },
      { ...parts, planDigest: 'other' },
      { ...parts, bundleDigest: 'other' },
      { ...parts, calibrationDigest: 'other' },
      { ...parts, decoderBuild: 'other' },
    ];
    expect(new Set([parts, ...changed].map(scoreIdOf)).size).toBe(changed.length + 1);
  });

  it('never confuses where one field ends and the next begins', () => {
    const text = fc.string({ maxLength: 6, unit: fc.constantFrom('1', ':', ';', '-', 'a') });
    fc.assert(
      fc.property(fc.tuple(text, text), fc.tuple(text, text), (a, b) => {
        fc.pre(a[0] !== b[0] || a[1] !== b[1]);
        const id = ([title, description]: readonly [string, string]) =>
          scoreIdOf({ ...parts, text: { title, description } });
        expect(id(a)).not.toBe(id(b));
      }),
    );
  });
});

describe('digests of values', () => {
  it('do not depend on the order of keys', () => {
    expect(canonicalJson({ b: [1, { d: 2, c: null }], a: 'x' })).toBe('{"a":"x","b":[1,{"c":null,"d":2}]}');
  });

  it('are SHA-256 (FIPS 180-4 example)', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('tell plans apart', () => {
    const plan = {
      windowMs: [0, 5000],
      video: {
        select: { rule: 'times', atMs: [0] },
        width: 224,
        height: 224,
        fit: 'squash',
        interpolation: 'bicubic',
        colour: 'rgb24',
      },
      audio: { sampleRate: 16_000, channels: 1, format: 'f32' },
    } as const;
    expect(planDigest(plan)).not.toBe(planDigest({ ...plan, video: { ...plan.video, width: 225 } }));
  });
});
