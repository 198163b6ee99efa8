import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode, FirstFiveError } from '../../src/core/errors.ts';
import { backoffMs, decideFailure } from '../../src/core/retry.ts';

const policy = { initialBackoffMs: 100, maxBackoffMs: 5_000 };

describe('backoffMs', () => {
  it('doubles up to its cap and stays in the upper half of each step', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempt, random) => {
          const full = Math.min(5_000, 100 * 2 ** (attempt - 1));
          const delay = backoffMs(policy, attempt, random);
          expect(delay).toBeGreaterThanOrEqual(full / 2);
          expect(delay).toBeLessThanOrEqual(full);
        },
      ),
    );
  });
});

describe('decideFailure', () => {
  it('rejects every terminal code at once and never lets a systemic one spend the budget', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const error = new FirstFiveError(code, 'x');
      if (error.kind === 'terminal') expect(decideFailure(error, 1, 10), code).toBe('reject');
      if (error.kind === 'systemic') expect(decideFailure(error, 1_000, 3), code).toBe('pause');
    }
  });

  it('tries what killed its decoder once more and no further', () => {
    const crash = new FirstFiveError('DECODE_CRASHED', 'x');
    expect(decideFailure(crash, 1, 10)).toBe('retry');
    expect(decideFailure(crash, 2, 10)).toBe('reject');
  });

  it('parks what may pass while there is a retry topic left, and never what was tried twice or cannot pass', () => {
    const decide = (code: ErrorCode, attempt: number, canPark: boolean) =>
      decideFailure(new FirstFiveError(code, 'x'), attempt, 3, canPark);
    expect(decide('MEDIA_CHANGED', 2, true)).toBe('retry');
    expect(decide('MEDIA_CHANGED', 3, true)).toBe('park');
    expect(decide('MEDIA_CHANGED', 9, true)).toBe('park');
    expect(decide('MEDIA_CHANGED', 9, false)).toBe('reject');
    for (const code of ['DECODE_CRASHED', 'DECODE_TIMEOUT', 'STEP_TIMEOUT', 'INTERNAL'] as const)
      expect(decide(code, 2, true), code).toBe('reject');
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[])
      if (ERROR_CODES[code] === 'terminal') expect(decide(code, 1, true), code).toBe('reject');
  });

  it('gives other retryable errors the whole budget', () => {
    const changed = new FirstFiveError('MEDIA_CHANGED', 'x');
    expect(decideFailure(changed, 2, 3)).toBe('retry');
    expect(decideFailure(changed, 3, 3)).toBe('reject');
  });
});
