import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openProgress, progressText } from '../../../src/cli/output/progress-line.ts';
import { captured } from '../cli-harness.ts';

describe('the progress line', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('says rate, work, failures and time left', () => {
    expect(progressText('scoring', 'uploads', { done: 100, failed: 2, inWork: 4, total: 400 }, 12.5)).toBe(
      'scoring  100/400 uploads  12.5/s  4 in work  2 failed  ETA 24s',
    );
    expect(progressText('scoring', 'uploads', { done: 0, failed: 0, inWork: 4, total: undefined }, 0)).toBe(
      'scoring  0 uploads  0.0/s  4 in work',
    );
    const far = { done: 1, failed: 0, inWork: 1, total: 10_001 };
    expect(progressText('x', 'y', far, 1)).toMatch(/ETA 2h 46m$/);
  });

  it('is not drawn where there is no terminal, or none is wanted', () => {
    const pipe = captured();
    const terminal = captured(undefined, 80);
    for (const [stream, enabled] of [
      [pipe.stream, true],
      [terminal.stream, false],
    ] as const) {
      const line = openProgress({ stream, label: 'x', noun: 'y', enabled });
      line.update({ done: 1, failed: 0, inWork: 0, total: 2 });
      vi.advanceTimersByTime(1_000);
      line.clear();
      line.close();
    }
    expect([pipe.text(), terminal.text()]).toEqual(['', '']);
  });

  it('redraws on a timer and leaves nothing behind', () => {
    const terminal = captured(undefined, 80);
    let now = 0;
    const line = openProgress({
      stream: terminal.stream,
      label: 'x',
      noun: 'uploads',
      enabled: true,
      now: () => now,
    });
    line.update({ done: 10, failed: 0, inWork: 1, total: 20 });
    now = 1_000;
    vi.advanceTimersByTime(200);
    expect(terminal.text()).toBe('\r\x1b[2Kx  10/20 uploads  10.0/s  1 in work  ETA 1s');
    line.close();
    vi.advanceTimersByTime(1_000);
    expect(terminal.text().endsWith('ETA 1s\r\x1b[2K')).toBe(true);
  });
});
