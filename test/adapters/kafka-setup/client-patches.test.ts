import { describe, expect, it } from 'vitest';
import { applyPatch } from '../../../src/adapters/kafka-setup/client-patches.ts';

describe('a patch of the native client', () => {
  const patch = { file: 'a.cc', find: 'old', replace: 'new' };

  it('replaces the one place that it names', () => {
    expect(applyPatch('an old line\n', patch)).toBe('an new line\n');
  });

  it('refuses a source in which the place is missing or not the only one', () => {
    expect(() => applyPatch('nothing here', patch)).toThrow(/a\.cc holds the place to patch 0 times/);
    expect(() => applyPatch('old and old', patch)).toThrow(/2 times/);
  });
});
